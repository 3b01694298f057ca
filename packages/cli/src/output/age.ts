const units = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1_000],
] as const;

/** A length of time in its greatest unit, as kubectl writes an age: `42s`, `7m`, `3h`, `12d`. Never below `0s`. */
export function formatAge(milliseconds: number): string {
  for (const [unit, length] of units) if (milliseconds >= length) return `${Math.floor(milliseconds / length)}${unit}`;
  return '0s';
}

/** How long ago a time was, or `-` when there is none. */
export function ageOf(time: number | undefined, now: number): string {
  return time === undefined || Number.isNaN(time) ? '-' : formatAge(now - time);
}
