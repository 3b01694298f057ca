/** Lets so many through at once, and one more after each interval in milliseconds. */
export class TokenBucket {
  readonly #burst: number;
  readonly #interval: number;
  #tokens: number;
  #at = performance.now();

  constructor({ burst, interval }: { burst: number; interval: number }) {
    this.#burst = burst;
    this.#interval = interval;
    this.#tokens = burst;
  }

  /** Whether one more is let through now. */
  take(): boolean {
    const now = performance.now();
    this.#tokens = Math.min(this.#burst, this.#tokens + (now - this.#at) / this.#interval);
    this.#at = now;
    if (this.#tokens < 1) return false;
    this.#tokens -= 1;
    return true;
  }
}
