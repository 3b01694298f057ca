import { join } from 'node:path';
import { KplugError, messageOf } from '../../errors.ts';
import { removeDurably, writeDurably } from '../../files/write-durably.ts';
import { limits } from '../../limits/limits.ts';
import type { Persistence, StoredResource } from '../memory/persistence.ts';
import { describeReference, parseKey, type ResourceKey } from '../resource.ts';
import { formatState, statePathOf } from './state-file.ts';

/** Maximum number of concurrent writes. More are no faster and may exhaust the file descriptors. */
const { maxConcurrentWrites } = limits.directory;

/** Pending write of a resource, and the promise of those who wait for it. */
interface Save {
  stored: StoredResource | undefined;
  done: Promise<void>;
  resolve(): void;
  reject(error: KplugError): void;
}

/** Options of a state store. */
export interface StateStoreOptions {
  /** Path of the folder `.kplug`. */
  folder: string;
  /** Returns the file that defines a resource. */
  sourceOf(key: ResourceKey): string;
  /** Called when the writes of a resource begin to fail. */
  onFailure(): void;
}

/**
 * Stores the state of each resource in a file. At most one write of a resource is in progress; of the changes meanwhile only the latest
 * is written. A promise is fulfilled once its change, or a later one, is on disk.
 */
export class StateStore implements Persistence {
  readonly #options: StateStoreOptions;
  readonly #waiting = new Map<ResourceKey, Save>();
  readonly #running = new Map<ResourceKey, Save>();
  readonly #failed = new Map<ResourceKey, { stored: StoredResource | undefined; error: KplugError }>();

  constructor(options: StateStoreOptions) {
    this.#options = options;
  }

  changed(key: ResourceKey, stored: StoredResource | undefined): void {
    const waiting = this.#waiting.get(key);
    if (waiting) {
      waiting.stored = stored;
      return;
    }
    const { promise: done, resolve, reject } = Promise.withResolvers<void>();
    // Often there is no waiter, as when a user changed a file. `#failed` also has the failure.
    done.catch(() => undefined);
    this.#waiting.set(key, { stored, done, resolve, reject });
    this.#startWrites();
  }

  durable(key: ResourceKey): Promise<void> | undefined {
    this.#retry(key);
    return (this.#waiting.get(key) ?? this.#running.get(key))?.done;
  }

  async flush(): Promise<void> {
    this.retry();
    while (this.#waiting.size + this.#running.size > 0) {
      const saves = [...this.#waiting.values(), ...this.#running.values()];
      await Promise.allSettled(saves.map(({ done }) => done));
    }
    for (const { error } of this.#failed.values()) throw error;
  }

  /** Retries failed writes. */
  retry(): void {
    for (const key of this.#failed.keys()) this.#retry(key);
  }

  /** Returns the failed writes, by file. These states are in memory only. */
  failures(): { file: string; message: string }[] {
    return [...this.#failed].map(([key, { error }]) => ({ file: this.#fileOf(key), message: error.message }));
  }

  #retry(key: ResourceKey): void {
    const failed = this.#failed.get(key);
    if (failed && !this.#waiting.has(key) && !this.#running.has(key)) this.changed(key, failed.stored);
  }

  #startWrites(): void {
    for (const [key, save] of this.#waiting) {
      if (this.#running.size >= maxConcurrentWrites) return;
      if (this.#running.has(key)) continue;
      this.#waiting.delete(key);
      this.#running.set(key, save);
      void this.#write(key, save);
    }
  }

  async #write(key: ResourceKey, save: Save): Promise<void> {
    const { folder, sourceOf } = this.#options;
    const { stored } = save;
    try {
      if (stored) await writeDurably(this.#fileOf(key), formatState({ ...stored, source: sourceOf(key) }), folder);
      else await removeDurably(this.#fileOf(key), folder);
      this.#failed.delete(key);
      save.resolve();
    } catch (cause) {
      const message = `The state of ${describeReference(parseKey(key))} can't be written: ${messageOf(cause)}.`;
      const error = new KplugError('StorageFailed', message, { cause });
      const isNew = !this.#failed.has(key);
      this.#failed.set(key, { stored, error });
      if (isNew) this.#options.onFailure();
      save.reject(error);
    }
    this.#running.delete(key);
    this.#startWrites();
  }

  #fileOf(key: ResourceKey): string {
    return join(this.#options.folder, statePathOf(key));
  }
}
