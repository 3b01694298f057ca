/** Difference of the clocks below which they count as equal: the header `date` is in whole seconds, and answers take time. */
const tolerance = 3_000;

let skew = 0;

/** Takes the time of the operator from the header `date` of an answer. */
export function measureSkew(date: string | null, at = Date.now()): void {
  const time = Date.parse(date ?? '');
  if (Number.isNaN(time)) return;
  // The header has the beginning of its second.
  const difference = time + 500 - at;
  skew = Math.abs(difference) > tolerance ? difference : 0;
}

/** Current time by the clock of the operator, in milliseconds, so that times and leases that it sent can be compared with it. */
export function serverTime(at = Date.now()): number {
  return at + skew;
}
