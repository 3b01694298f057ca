/** The time by which leases are kept, in milliseconds from an arbitrary start. */
export interface Clock {
  now(): number;
  /** Calls back once, after at least `delay` milliseconds of this clock. Returns what cancels it. */
  after(delay: number, callback: () => void): () => void;
}

/** How often the awake clock looks at the time by itself, in milliseconds. */
const tick = 250;

/** A gap between two looks that is longer than this was a stall, in milliseconds. */
const stall = 1_000;

/**
 * A monotonic clock that stands still while this process does: while its event loop is blocked, or it is stopped or starved
 * for more than a second. Heartbeats that came meanwhile still wait in the sockets, so the time slept must not count against
 * the leases of the plugins that sent them.
 */
export class AwakeClock implements Clock, Disposable {
  readonly #monotonic: () => number;
  readonly #ticker: NodeJS.Timeout;
  #lookedAt: number;
  #slept = 0;

  constructor(monotonic: () => number = () => performance.now()) {
    this.#monotonic = monotonic;
    this.#lookedAt = monotonic();
    this.#ticker = setInterval(() => this.now(), tick);
    this.#ticker.unref();
  }

  now(): number {
    const time = this.#monotonic();
    const gap = time - this.#lookedAt;
    if (gap > stall) this.#slept += gap - tick;
    this.#lookedAt = time;
    return time - this.#slept;
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
