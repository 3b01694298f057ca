import { setImmediate as nextTurn } from 'node:timers/promises';
import { KplugError, messageOf } from '../../errors.ts';
import { AppendFile } from '../../files/append-file.ts';
import { limits } from '../../limits/limits.ts';
import type { Persistence, StoredResource } from '../memory/persistence.ts';
import { describeKey, type ResourceKey } from '../resource.ts';
import { formatHeader, formatRecord, journalOf, type StateJournal } from './state-journal.ts';

const { maxWriteDelay, minCompactedSize, compactionFactor } = limits.directory;

const retried = 'Until that succeeds, they are in memory only. Kplug retries.';

/** Changes that are written together. The latest change of each resource counts. */
type Changes = Map<ResourceKey, StoredResource | undefined>;

/** Options of a state store. */
export interface StateStoreOptions {
  /** Path of Kplug's folder. */
  folder: string;
  /** Existing journal. Default: none. */
  journal?: Pick<StateJournal, 'size' | 'compactedSize'>;
  /** Returns all resources, for the compaction of the journal. */
  all(): Iterable<readonly [ResourceKey, StoredResource]>;
  /** Returns the file that defines a resource. */
  sourceOf(key: ResourceKey): string;
  /** Rejects when another process may be writing to the folder. Default: none does. */
  verify?(): Promise<void>;
  /** Called when the writes begin to fail. */
  onFailure(): void;
}

/**
 * Stores the states of resources in a journal. All changes that are made while a write is in progress are written together by the next
 * one, with one sync. Changes that nothing waits for are written with the next ones, or after a delay. So the journal always has the
 * changes up to some point in time. A promise is fulfilled once its change, or a later one, is on disk.
 */
export class StateStore implements Persistence {
  readonly #options: StateStoreOptions;
  readonly #file: AppendFile;
  #compactedSize: number;
  #waiting: Changes = new Map();
  /** Result of the next write. */
  #next: PromiseWithResolvers<void> | undefined;
  #running: { changes: Changes; done: Promise<void> } | undefined;
  #isWriting = false;
  #mustReplace = false;
  #delay: NodeJS.Timeout | undefined;
  #failure: KplugError | undefined;

  constructor(options: StateStoreOptions) {
    this.#options = options;
    this.#file = new AppendFile(journalOf(options.folder), options.journal?.size);
    this.#compactedSize = options.journal?.compactedSize ?? 0;
  }

  changed(key: ResourceKey, stored: StoredResource | undefined): void {
    // The resource keeps its place, so that an owner is written before its dependents.
    this.#waiting.set(key, stored);
    if (this.#failure) return;
    // A plugin may be called to finalize the resource, whose deletion must not be forgotten.
    if (stored?.resource.metadata.deletionTimestamp !== undefined) this.#requestWrite();
    else this.#delay ??= setTimeout(() => this.#requestWrite(), maxWriteDelay);
  }

  durable(key: ResourceKey): Promise<void> | undefined {
    const isRunning = this.#running?.changes.has(key) ?? false;
    const written = this.#waiting.has(key) ? this.#requestWrite() : isRunning ? this.#running?.done : undefined;
    return written?.catch((cause) => {
      throw this.#describe(cause, key);
    });
  }

  async flush(): Promise<void> {
    try {
      while (this.#waiting.size > 0 || this.#next) await this.#requestWrite();
      await this.#running?.done;
    } catch (cause) {
      throw this.#failure ?? this.#describe(cause);
    }
  }

  /** Stops writing. Changes that haven't been written are lost. */
  async close(): Promise<void> {
    clearTimeout(this.#delay);
    await this.#running?.done.catch(() => undefined);
    await this.#file.close();
  }

  /** Writes all states to a new journal, as the existing one is missing, damaged or another one. */
  rewrite(): void {
    this.#mustReplace = true;
    this.#requestWrite();
  }

  /** Retries a failed write. */
  retry(): void {
    if (this.#failure) this.#requestWrite();
  }

  /** Returns the failed write, if any. Some states are in memory only. */
  failures(): { file: string; message: string }[] {
    return this.#failure ? [{ file: this.#file.path, message: `${this.#failure.message} ${retried}` }] : [];
  }

  /** Starts a write, after the one in progress. Returns its result. */
  #requestWrite(): Promise<void> {
    clearTimeout(this.#delay);
    this.#delay = undefined;
    if (!this.#next) {
      this.#next = Promise.withResolvers();
      // Often there is no waiter. `#failure` also has the failure.
      this.#next.promise.catch(() => undefined);
    }
    const { promise } = this.#next;
    if (!this.#isWriting) void this.#writeAll();
    return promise;
  }

  async #writeAll(): Promise<void> {
    this.#isWriting = true;
    // Changes that are made in the same turn of the event loop share the first write.
    await nextTurn();
    for (let next = this.#next; next; next = this.#next) {
      this.#next = undefined;
      const changes = this.#waiting;
      this.#waiting = new Map();
      this.#running = { changes, done: next.promise };
      try {
        await this.#write(changes);
        this.#failure = undefined;
        this.#running = undefined;
        next.resolve();
      } catch (cause) {
        this.#running = undefined;
        this.#waiting = new Map([...changes, ...this.#waiting]);
        const isNew = this.#failure === undefined;
        this.#failure = this.#describe(cause);
        next.reject(cause);
        if (isNew) this.#options.onFailure();
      }
    }
    this.#isWriting = false;
  }

  async #write(changes: Changes): Promise<void> {
    await this.#options.verify?.();
    if (this.#mustReplace) await this.#file.invalidate();
    this.#mustReplace = false;
    if (this.#file.size === undefined) return this.#replace();
    if (this.#file.size >= Math.max(minCompactedSize, compactionFactor * this.#compactedSize)) {
      const { size } = this.#file;
      try {
        return await this.#replace();
      } catch {
        // A disk that is too full for the compaction may have room for the changes. The next attempt is made at a greater size.
        this.#compactedSize = size;
      }
    }
    await this.#file.append(this.#formatChanges(changes));
  }

  /** Replaces the journal by one with the present states, which include all changes. */
  async #replace(): Promise<void> {
    await this.#file.replace(this.#formatJournal([...this.#options.all()]));
    this.#compactedSize = this.#file.size ?? 0;
  }

  *#formatChanges(changes: Changes): Iterable<string> {
    for (const [key, stored] of changes) yield formatRecord(key, stored, this.#options.sourceOf(key));
  }

  *#formatJournal(states: readonly (readonly [ResourceKey, StoredResource])[]): Iterable<string> {
    yield formatHeader();
    yield* this.#formatChanges(new Map(states));
  }

  #describe(cause: unknown, key?: ResourceKey): KplugError {
    const subject = key === undefined ? 'States' : `The state of ${describeKey(key)}`;
    const message = `${subject} can't be written to ${this.#file.path}: ${messageOf(cause)}.`;
    return new KplugError('StorageFailed', message, { cause });
  }
}
