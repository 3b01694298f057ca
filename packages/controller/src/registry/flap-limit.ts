import { limits } from '../limits/limits.ts';

const { burst, interval } = limits.flaps;

/** Rate limit of the changes of an instance: a burst takes effect, and one more after each interval. */
export class FlapLimit {
  #changes = 0;
  #at: number;

  /** @param now monotonic time, in milliseconds. */
  constructor(now: number) {
    this.#at = now;
  }

  /** Counts a change. Reports whether it may take effect. */
  take(now: number): boolean {
    if (!this.has(now)) return false;
    this.#changes++;
    return true;
  }

  /** Reports whether a change may take effect, without counting it. */
  has(now: number): boolean {
    this.#changes = Math.max(0, this.#changes - (now - this.#at) / interval);
    this.#at = now;
    return this.#changes <= burst - 1;
  }
}
