import { join } from 'node:path';
import { KplugError, messageOf } from '../../errors.ts';
import type { Persistence, StoredResource } from '../memory/persistence.ts';
import { describeReference, parseKey, type ResourceKey } from '../resource.ts';
import { formatState, statePathOf } from './state-file.ts';
import { removeDurably, writeDurably } from './write-durably.ts';

/** How many files are written at a time. More are no faster and may use up the file descriptors. */
const mostAtOnce = 16;

/** A change that is to be made safe, and who waits for it. */
interface Save {
  stored: StoredResource | undefined;
  done: Promise<void>;
  resolve(): void;
  reject(error: KplugError): void;
}

/** Options of a state store. */
export interface StateStoreOptions {
  /** The folder `.kplug`. */
  folder: string;
  /** Which file defines a resource. */
  sourceOf(key: ResourceKey): string;
  /** Hears when something can't be written that could be before. */
  onFailure(): void;
}

/**
 * Keeps the state of resources in one file each. Of one resource at most one write is under way; what changes meanwhile is
 * written after it, the latest only, and everyone is answered once what they wrote, or something newer, is on disk.
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
    // Often nobody waits, as when a user changed a file. A failure is kept in `#failed` too.
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

  /** Tries again to write what couldn't be written. */
  retry(): void {
    for (const key of this.#failed.keys()) this.#retry(key);
  }

  /** What couldn't be written and is in memory only, by the file that it belongs into. */
  failures(): { file: string; message: string }[] {
    return [...this.#failed].map(([key, { error }]) => ({ file: this.#fileOf(key), message: error.message }));
  }

  #retry(key: ResourceKey): void {
    const failed = this.#failed.get(key);
    if (failed && !this.#waiting.has(key) && !this.#running.has(key)) this.changed(key, failed.stored);
  }

  #startWrites(): void {
    for (const [key, save] of this.#waiting) {
      if (this.#running.size >= mostAtOnce) return;
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
