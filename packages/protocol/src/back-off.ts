/** Bounds of the delay between attempts, in milliseconds. */
export interface BackOffOptions {
  /** Delay after the first failure. Default 200. */
  initial?: number;
  /** Longest delay. Default 300,000 (5 min). */
  max?: number;
}

/**
 * Delay before the next attempt after `failures` failures in a row, in milliseconds. It doubles with each failure, up to `max`,
 * and is jittered.
 */
export function backOffDelay(
  failures: number,
  { initial = 200, max = 300_000 }: BackOffOptions = {},
  random: () => number = Math.random,
): number {
  return withJitter(Math.min(max, initial * 2 ** Math.min(Math.max(failures - 1, 0), 30)), random);
}

/** Reduces a delay by up to half, so that processes that started or failed together don't retry together. */
export function withJitter(delay: number, random: () => number = Math.random): number {
  return delay * (0.5 + random() / 2);
}
