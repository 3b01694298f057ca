import { limits } from '../limits/limits.ts';

/** Longest delay of one Node.js timer, in milliseconds; Node.js fires a timer with a longer delay immediately. */
const { maxTimerDelay } = limits.queue;

/** One-shot timer of any length, as a chain of Node.js timers. It doesn't keep the process alive. */
export class LongTimer {
  readonly #callback: () => void;
  readonly #dueAt: number;
  #timer: NodeJS.Timeout;

  /** @param delay in milliseconds. */
  constructor(callback: () => void, delay: number) {
    this.#callback = callback;
    this.#dueAt = performance.now() + delay;
    this.#timer = this.#next(delay);
  }

  cancel(): void {
    clearTimeout(this.#timer);
  }

  #next(left: number): NodeJS.Timeout {
    const isLast = left <= maxTimerDelay;
    const onFired = isLast ? this.#callback : () => this.#continue();
    return setTimeout(onFired, isLast ? left : maxTimerDelay).unref();
  }

  #continue(): void {
    this.#timer = this.#next(this.#dueAt - performance.now());
  }
}
