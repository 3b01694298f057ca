/** Bounds of the delay between attempts, in milliseconds. */
export interface BackOffOptions {
  /** Delay after the first failure. Default 200. */
  initial?: number;
  /** Longest delay. Default 300,000 (5 min). */
  max?: number;
}

/**
 * Delay before the next attempt after `failures` consecutive failures, in milliseconds. It doubles with each failure, up to
 * `max`; jitter subtracts up to half of it, so that attempts that failed together aren't retried together.
 */
export function backOffDelay(
  failures: number,
  { initial = 200, max = 300_000 }: BackOffOptions = {},
  random: () => number = Math.random,
): number {
  const full = Math.min(max, initial * 2 ** Math.min(Math.max(failures - 1, 0), 30));
  return full * (0.5 + random() / 2);
}

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
