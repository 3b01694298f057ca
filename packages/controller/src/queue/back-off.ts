import { type BackOffOptions, backOffDelay } from '@kplug/protocol';

export { type BackOffOptions, backOffDelay } from '@kplug/protocol';

/** Exponential back-off with jitter, counted per key. */
export class BackOff<K> {
  readonly #options: BackOffOptions;
  readonly #failures = new Map<K, number>();
  readonly #random: () => number;

  constructor(options: BackOffOptions = {}, random: () => number = Math.random) {
    this.#options = options;
    this.#random = random;
  }

  /** Number of consecutive failures of a key. */
  failures(key: K): number {
    return this.#failures.get(key) ?? 0;
  }

  /** Counts a failure and returns the delay before the next attempt, in milliseconds. */
  fail(key: K): number {
    const failures = this.failures(key) + 1;
    this.#failures.set(key, failures);
    return backOffDelay(failures, this.#options, this.#random);
  }

  /** Resets the failures of a key. */
  reset(key: K): void {
    this.#failures.delete(key);
  }
}
