// queue/: the one scheduler: keyed work in lanes, with priorities, delays, retries and back-off; walks over many objects in slices.
import { BackOff, type BackOffOptions } from './back-off.ts';
import type { ReadyKey } from './fair-keys.ts';
import { type LanePolicy, Lanes } from './lanes.ts';
import { LongTimer } from './long-timer.ts';
import { LoopShare, visitAll } from './slices.ts';

/**
 * Outcome of the work for a key.
 *
 * - `done`, or nothing: no more work until the key is added again. Resets its failures.
 * - `again`: work once more within `after` milliseconds. Resets its failures.
 * - `retry`: the work failed; retry after `after` milliseconds, by default with back-off.
 *
 * A key that was added during its work is worked on again immediately in any case.
 */
export type WorkOutcome = { next: 'done' } | { next: 'again'; after: number } | { next: 'retry'; after?: number };

/** Options of a work queue. */
export interface WorkQueueOptions<K> {
  /** Largest number of keys worked on concurrently. Each lane may exceed it by its reserve. Default 1. */
  concurrency?: number;
  /** Lanes of the keys. Default: one lane, first in, first out. */
  lanes?: LanePolicy<K>;
  /** Does the work for one key, which waited for some milliseconds. Must not reject: a failure is an outcome. */
  work: (key: K, waited: number) => Promise<WorkOutcome | undefined | void>;
  /** Bounds of the delay between retries of a key. */
  backOff?: BackOffOptions;
}

/**
 * Scheduler of keyed work. A key waits at most once however often it is added, and is never worked on twice concurrently: one
 * that is added during its work waits until that ends. Work that never waits for the event loop is started in slices. Timers don't
 * keep the process alive.
 */
export class WorkQueue<K> {
  readonly #options: WorkQueueOptions<K>;
  readonly #backOff: BackOff<K>;
  readonly #ready: Lanes<K>;
  readonly #working = new Set<K>();
  /** Keys that were added during their work. They become ready when it ends. */
  readonly #again = new Map<K, ReadyKey<K>>();
  readonly #timers = new Map<K, { timer: LongTimer; at: number }>();
  readonly #idle: (() => void)[] = [];
  readonly #share = new LoopShare();
  #isStarting = false;
  #isStartQueued = false;
  #isStartDue = false;
  #relocation = new AbortController();
  #closed = false;

  constructor(options: WorkQueueOptions<K>) {
    this.#options = options;
    this.#ready = new Lanes(options.concurrency ?? 1, options.lanes);
    this.#backOff = new BackOff(options.backOff);
  }

  /** Number of keys that wait to be worked on now. */
  get depth(): number {
    return this.#ready.size + this.#again.size;
  }

  /** Number of keys being worked on. */
  get active(): number {
    return this.#working.size;
  }

  /** Adds a key to be worked on as soon as possible. @param urgent gives it a place before keys that aren't urgent. */
  add(key: K, { urgent = false } = {}): void {
    if (this.#closed) return;
    this.#cancelTimer(key);
    const ready = { key, since: performance.now(), urgent };
    if (this.#working.has(key)) this.#addAgain(ready);
    else this.#ready.add(ready);
    this.#startSoon();
  }

  /** Adds a key after a delay, in milliseconds; replaces an earlier delay. Adding the key meanwhile cancels the delay. */
  addAfter(key: K, delay: number): void {
    if (this.#closed || this.#isWaiting(key)) return;
    this.#cancelTimer(key);
    const rounded = Math.round(delay);
    const timer = new LongTimer(() => {
      this.add(key);
      this.#start();
    }, rounded);
    this.#timers.set(key, { timer, at: Date.now() + rounded });
  }

  /** Adds a key within `delay` milliseconds: an earlier due time stays. */
  addWithin(key: K, delay: number): void {
    if ((this.dueAt(key) ?? Number.POSITIVE_INFINITY) > Date.now() + delay) this.addAfter(key, delay);
  }

  /** Adds a key after its back-off, as if its work had failed. */
  retry(key: K): void {
    this.addAfter(key, this.#backOff.fail(key));
  }

  /** Time at which a delayed key will be added, in milliseconds since the epoch. */
  dueAt(key: K): number | undefined {
    return this.#timers.get(key)?.at;
  }

  /** Number of consecutive failures of a key. */
  failures(key: K): number {
    return this.#backOff.failures(key);
  }

  /** Resets the failures of a key, so that its next retry comes soon. */
  reset(key: K): void {
    this.#backOff.reset(key);
  }

  /** Counts the work in progress on a key to another lane, as that is the one that it waits for now. */
  enter(key: K, lane: string): void {
    this.#ready.enter(key, lane);
    this.#start();
  }

  /** Assigns the waiting keys to lanes again, in slices, as what the lanes depend on has changed. */
  relocate(): void {
    this.#relocation.abort();
    this.#relocation = new AbortController();
    const relocated = visitAll([...this.#ready.keys()], (key) => this.#ready.relocate(key), this.#relocation);
    this.#start();
    void relocated.then(() => this.#start());
  }

  /** Removes a key with its failures. Work in progress continues. */
  remove(key: K): void {
    this.#ready.delete(key);
    this.#again.delete(key);
    this.#cancelTimer(key);
    this.#backOff.reset(key);
    this.#noteIdle();
  }

  /** Fulfilled when no key waits or is being worked on. Delayed keys don't count. */
  async whenIdle(): Promise<void> {
    while (this.#working.size > 0 || this.depth > 0) {
      await new Promise<void>((resolve) => this.#idle.push(resolve));
    }
  }

  /** Accepts no more keys, drops those that wait, and is fulfilled when the work in progress has ended. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#relocation.abort();
    this.#ready.clear();
    this.#again.clear();
    this.#noteIdle();
    await visitAll(this.#timers.keys(), (key) => this.#cancelTimer(key));
    await this.whenIdle();
  }

  #isWaiting(key: K): boolean {
    return this.#ready.has(key) || this.#again.has(key);
  }

  #addAgain(ready: ReadyKey<K>): void {
    const former = this.#again.get(ready.key);
    this.#again.set(ready.key, former ? { ...former, urgent: former.urgent || ready.urgent } : ready);
  }

  #start(): void {
    // Work may add keys before it waits for the first time.
    if (this.#isStarting) return;
    this.#isStarting = true;
    try {
      while (this.#ready.size > 0) {
        if (this.#share.isUsed()) {
          this.#startLater();
          return;
        }
        const next = this.#ready.take();
        if (!next && this.#ready.isMoving) this.#startLater();
        if (!next) return;
        void this.#work(next.key, next.since);
      }
    } finally {
      this.#isStarting = false;
    }
  }

  /** Starts after the current task, as keys that are added together may be added again by what comes with them. */
  #startSoon(): void {
    if (this.#isStartQueued) return;
    this.#isStartQueued = true;
    queueMicrotask(() => {
      this.#isStartQueued = false;
      this.#start();
    });
  }

  #startLater(): void {
    if (this.#isStartDue) return;
    this.#isStartDue = true;
    setImmediate(() => {
      this.#isStartDue = false;
      this.#start();
    });
  }

  async #work(key: K, readySince: number): Promise<void> {
    this.#working.add(key);
    try {
      this.#conclude(key, await this.#options.work(key, performance.now() - readySince));
    } finally {
      this.#end(key);
      this.#start();
      this.#noteIdle();
    }
  }

  #end(key: K): void {
    this.#working.delete(key);
    this.#ready.end(key);
    const again = this.#again.get(key);
    if (!again) return;
    this.#again.delete(key);
    this.#cancelTimer(key);
    this.#ready.add(again);
  }

  #noteIdle(): void {
    if (this.#working.size === 0) for (const resolve of this.#idle.splice(0)) resolve();
  }

  #conclude(key: K, outcome: WorkOutcome | undefined | void): void {
    if (outcome?.next === 'retry') {
      const delay = this.#backOff.fail(key);
      this.addWithin(key, outcome.after ?? delay);
      return;
    }
    this.#backOff.reset(key);
    if (outcome?.next !== 'again') return;
    if (outcome.after <= 0) this.add(key);
    else this.addWithin(key, outcome.after);
  }

  #cancelTimer(key: K): void {
    this.#timers.get(key)?.timer.cancel();
    this.#timers.delete(key);
  }
}
