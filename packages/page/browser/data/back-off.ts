/** Milliseconds to wait before the nth attempt in a row to connect again, the first being 1. */
export function retryDelay(attempt: number, random = Math.random()): number {
  const base = Math.min(15_000, 1_000 * 2 ** (attempt - 1));
  return Math.round(base * (0.8 + 0.4 * random));
}
