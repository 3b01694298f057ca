import type { OwnedContent, Resources } from '@kplug/controller';
import type { MemoryResources } from '@kplug/controller/memory';

/** Write after which a controller is killed: before it has an effect, or after it and before its response. */
export interface Kill {
  write: number;
  effect: 'none' | 'done';
}

/**
 * Resources as one controller process sees them. It is killed at one of its writes: that write is not answered, and later ones have no
 * effect.
 */
export class MortalResources implements Resources {
  readonly #store: MemoryResources;
  readonly #kill: Kill | undefined;
  readonly #ended = new AbortController();
  readonly #killed = Promise.withResolvers<void>();
  /** Number of writes. */
  writes = 0;

  constructor(store: MemoryResources, kill?: Kill) {
    this.#store = store;
    this.#kill = kill;
  }

  /** Fulfilled when the controller is killed. */
  get killed(): Promise<void> {
    return this.#killed.promise;
  }

  follow: Resources['follow'] = (kind, listener, options = {}) => {
    const signals = [this.#ended.signal, ...(options.signal ? [options.signal] : [])];
    return this.#store.follow(kind, listener, { ...options, signal: AbortSignal.any(signals) });
  };
  problem: Resources['problem'] = () => undefined;
  get: Resources['get'] = (key) => this.#store.get(key);
  list: Resources['list'] = (kind) => this.#store.list(kind);
  applyStatus: Resources['applyStatus'] = (...args) => this.#write(() => this.#store.applyStatus(...args));
  addFinalizer: Resources['addFinalizer'] = (...args) => this.#write(() => this.#store.addFinalizer(...args));
  removeFinalizer: Resources['removeFinalizer'] = (...args) => this.#write(() => this.#store.removeFinalizer(...args));
  applyOwned = (key: string, content: OwnedContent, options: Parameters<Resources['applyOwned']>[2]) =>
    this.#write(() => this.#store.applyOwned(key, content, options));
  removeOwned: Resources['removeOwned'] = (...args) => this.#write(() => this.#store.removeOwned(...args));
  releaseOwned: Resources['releaseOwned'] = (...args) => this.#write(() => this.#store.releaseOwned(...args));

  /** The store outlives the controller. */
  async close(): Promise<void> {
    this.#ended.abort();
  }

  async #write<T>(write: () => Promise<T>): Promise<T> {
    this.writes++;
    const remaining = this.#kill ? this.#kill.write - this.writes : 1;
    if (remaining > 0) return write();
    if (remaining === 0 && this.#kill?.effect === 'done') await write();
    this.#ended.abort();
    this.#killed.resolve();
    throw new Error('the controller was killed');
  }
}
