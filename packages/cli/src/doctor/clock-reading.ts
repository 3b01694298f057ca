/** Bounds of the difference of another clock to that of this machine, in milliseconds. Positive if the other is ahead. */
export interface ClockReading {
  min: number;
  max: number;
}

/**
 * Reads a clock from the header `Date` of an answer, which has whole seconds and was written between two times of this
 * machine's clock. Returns `undefined` when there is no such header.
 */
export function readClock(date: string | undefined, requestedAt: number, answeredAt: number): ClockReading | undefined {
  const at = Date.parse(date ?? '');
  return Number.isNaN(at) ? undefined : { min: at - answeredAt, max: at + 999 - requestedAt };
}

/** Returns the smallest possible difference of two clocks in milliseconds: positive if the first is ahead, 0 if they may agree. */
export function difference(one: ClockReading, other: ClockReading): number {
  if (one.min > other.max) return one.min - other.max;
  if (one.max < other.min) return one.max - other.min;
  return 0;
}
