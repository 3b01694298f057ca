import { limits } from '../limits/limits.ts';

/** Clock of the leases, in milliseconds from an arbitrary start. */
export interface Clock {
  now(): number;
  /** Calls back once, after at least `delay` milliseconds. Returns a function that cancels the callback. */
  after(delay: number, callback: () => void): () => void;
}

/** Interval between readings of the time, in milliseconds. */
const tick = 250;

/** Longest gap between two readings that isn't a stall, in milliseconds. */
const maxGap = limits.registry.maxClockGap;

/**
 * Monotonic clock that pauses while this process is stalled: while its event loop is blocked, or the process is stopped or
 * starved, for more than a second. Heartbeats that arrived meanwhile still wait in the sockets, so that the stall must not count
 * against the leases of the plugins that sent them.
 */
export class AwakeClock implements Clock, Disposable {
  readonly #monotonic: () => number;
  readonly #ticker: NodeJS.Timeout;
  #readAt: number;
  #stalled = 0;

  constructor(monotonic: () => number = () => performance.now()) {
    this.#monotonic = monotonic;
    this.#readAt = monotonic();
    this.#ticker = setInterval(() => this.now(), tick);
    this.#ticker.unref();
  }

  now(): number {
    const time = this.#monotonic();
    const gap = time - this.#readAt;
    if (gap > maxGap) this.#stalled += gap - tick;
    this.#readAt = time;
    return time - this.#stalled;
  }

  after(delay: number, callback: () => void): () => void {
    const timer = setTimeout(callback, delay);
    timer.unref();
    return () => clearTimeout(timer);
  }

  [Symbol.dispose](): void {
    clearInterval(this.#ticker);
  }
}
