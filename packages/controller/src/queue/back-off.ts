/** How long to wait between tries. All times in milliseconds. */
export interface BackOffOptions {
  /** The wait after a first failure. Default 200 ms. */
  initial?: number;
  /** The longest wait. Default 5 min. */
  max?: number;
}

/** Exponential back-off with jitter, counted per key. */
export class BackOff<K> {
  readonly #initial: number;
  readonly #max: number;
  readonly #failures = new Map<K, number>();
  readonly #random: () => number;

  constructor({ initial = 200, max = 300_000 }: BackOffOptions = {}, random: () => number = Math.random) {
    this.#initial = initial;
    this.#max = max;
    this.#random = random;
  }

  /** How many times in a row a key has failed. */
  failures(key: K): number {
    return this.#failures.get(key) ?? 0;
  }

  /** Counts a failure and returns how long to wait. The wait doubles each time, and is between half of that and all of it. */
  fail(key: K): number {
    const failures = this.failures(key);
    this.#failures.set(key, failures + 1);
    const full = Math.min(this.#max, this.#initial * 2 ** Math.min(failures, 30));
    return full * (0.5 + this.#random() / 2);
  }

  /** Forgets the failures of a key. */
  reset(key: K): void {
    this.#failures.delete(key);
  }
}
