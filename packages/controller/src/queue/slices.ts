import { limits } from '../limits/limits.ts';

/** Longest time that a walk blocks the event loop, in milliseconds, and the number of items after which it looks at the time. */
const { maxSlice, minSliceItems } = limits.queue;

/**
 * Pace of a walk over many items. It pauses the walk when it has used its share of the event loop, so that calls, heartbeats and
 * timers aren't delayed. A short walk is never paused.
 *
 *     const pace = new Pace();
 *     for (const item of items) {
 *       visit(item);
 *       if (pace.isOver()) await pace.pause();
 *     }
 *
 * Items may change during a pause: check an item when it is visited.
 */
export class Pace {
  #startedAt = performance.now();
  #items = 0;

  /** Counts an item. Reports whether the walk has to pause. `isLarge`: the item may take long, so that the time is looked at. */
  isOver(isLarge = false): boolean {
    this.#items++;
    if (!isLarge && this.#items % minSliceItems !== 0) return false;
    return performance.now() - this.#startedAt >= maxSlice;
  }

  /** Lets the event loop run, and starts the next slice. */
  async pause(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    this.#startedAt = performance.now();
  }
}

/**
 * Visits items in slices. The first slice runs synchronously. Ends early when the signal is aborted. Rejects with the error of
 * `visit`.
 */
export async function visitAll<T>(
  items: Iterable<T>,
  visit: (item: T) => void,
  { signal }: { signal?: AbortSignal } = {},
): Promise<void> {
  const pace = new Pace();
  for (const item of items) {
    if (signal?.aborted) return;
    visit(item);
    if (pace.isOver()) await pace.pause();
  }
}

/** Runs all steps of a function that yields between them. Returns its result. */
export function finish<T>(steps: Generator<unknown, T>): T {
  for (;;) {
    const { done, value } = steps.next();
    if (done) return value;
  }
}

/** Runs all steps of a function that yields between them, in slices. Rejects with the error of a step. */
export async function finishInSlices<T>(steps: Generator<unknown, T>): Promise<T> {
  const pace = new Pace();
  for (;;) {
    const { done, value } = steps.next();
    if (done) return value;
    if (pace.isOver(true)) await pace.pause();
  }
}

/**
 * Share of one iteration of the event loop that work may use, for work that continues from promise to promise without ever waiting
 * for the event loop.
 */
export class LoopShare {
  #startedAt: number | undefined;
  #items = 0;

  /** Counts an item. Reports whether the work has to continue in a later iteration. */
  isUsed(): boolean {
    this.#items++;
    if (this.#startedAt === undefined) this.#start();
    else if (this.#items >= minSliceItems) return performance.now() - this.#startedAt >= maxSlice;
    return false;
  }

  #start(): void {
    this.#startedAt = performance.now();
    this.#items = 1;
    setImmediate(() => {
      this.#startedAt = undefined;
    });
  }
}
