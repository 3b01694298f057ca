import { days, GiB, hours, KiB, type Limit, MiB, minutes, seconds } from './limit.ts';

const times = [
  ['d', days],
  ['h', hours],
  ['min', minutes],
  ['s', seconds],
] as const;

const sizes = [
  ['GiB', GiB],
  ['MiB', MiB],
  ['KiB', KiB],
] as const;

/** Formats a value of a limit for people: `4 MiB`, `60 s`, `200,000`. */
export function formatLimit({ unit }: Pick<Limit, 'unit'>, value: number): string {
  switch (unit) {
    case 'ms':
      return inUnits(value, times, 'ms');
    case 'bytes':
      return inUnits(value, sizes, 'bytes');
    case 'count':
      return plain(value);
    default:
      return `${plain(value)} ${unit}`;
  }
}

/** Formats the accepted and the recommended range of a limit; empty if there is neither. */
export function formatRange(limit: Limit): string {
  const { min, max, sane } = limit;
  const accepted = max === undefined ? min && `at least ${formatLimit(limit, min)}` : between(limit, [min ?? 0, max]);
  return [accepted, sane && `recommended: ${between(limit, sane)}`].filter(Boolean).join('; ');
}

function between(limit: Limit, [low, high]: readonly [number, number]): string {
  return `${formatLimit(limit, low)} to ${formatLimit(limit, high)}`;
}

/** Formats in the largest unit of which the value is a whole multiple. */
function inUnits(value: number, units: readonly (readonly [string, number])[], smallest: string): string {
  const [name, size] = units.find(([, one]) => value >= one && value % one === 0) ?? [smallest, 1];
  return `${plain(value / size)} ${name}`;
}

function plain(value: number): string {
  return value.toLocaleString('en');
}
