/** By how much another clock is ahead of this machine's, in milliseconds: somewhere between these. */
export interface ClockReading {
  least: number;
  most: number;
}

/**
 * Reads a clock from the header `Date` of an answer, which has whole seconds and was written between two moments of this
 * machine's clock. Nothing where there is no such header.
 */
export function readClock(date: string | undefined, askedAt: number, answeredAt: number): ClockReading | undefined {
  const at = Date.parse(date ?? '');
  return Number.isNaN(at) ? undefined : { least: at - answeredAt, most: at + 999 - askedAt };
}

/** By how much two clocks differ at the least, in milliseconds; above 0 when the first is ahead, 0 when they may agree. */
export function difference(one: ClockReading, other: ClockReading): number {
  if (one.least > other.most) return one.least - other.most;
  if (one.most < other.least) return one.most - other.least;
  return 0;
}
