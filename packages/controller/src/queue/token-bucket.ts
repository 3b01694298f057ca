/** Rate limit: lets a burst through, and one more after each interval. */
export class TokenBucket {
  readonly #burst: number;
  readonly #interval: number;
  #tokens: number;
  #at = performance.now();

  /** @param limits `burst`: largest number that passes without a pause; `interval`: milliseconds until one more may pass. */
  constructor({ burst, interval }: { burst: number; interval: number }) {
    this.#burst = burst;
    this.#interval = interval;
    this.#tokens = burst;
  }

  /** Takes a token, if there is one. Returns whether there was. */
  take(): boolean {
    const now = performance.now();
    this.#tokens = Math.min(this.#burst, this.#tokens + (now - this.#at) / this.#interval);
    this.#at = now;
    if (this.#tokens < 1) return false;
    this.#tokens -= 1;
    return true;
  }

  /** Returns a token that was taken and isn't to be counted. */
  giveBack(): void {
    this.#tokens = Math.min(this.#burst, this.#tokens + 1);
  }
}
