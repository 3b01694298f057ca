const units = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1_000],
] as const;

/** Formats a duration in its largest unit, as kubectl does: `42s`, `7m`, `3h`, `12d`. At least `0s`. */
export function formatAge(milliseconds: number): string {
  for (const [unit, length] of units) if (milliseconds >= length) return `${Math.floor(milliseconds / length)}${unit}`;
  return '0s';
}

/** Formats the age of a time; `-` when there is none. */
export function ageOf(time: number | undefined, now: number): string {
  return time === undefined || Number.isNaN(time) ? '-' : formatAge(now - time);
}
