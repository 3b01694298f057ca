import { CommandError } from '../command-error.ts';
import { readDuration } from './read-duration.ts';

const day = 86_400_000;
const maxDays = 36_500;

/** Parses the lifetime of a token, such as `90d` or `12h`, and returns its end. Throws a `CommandError`. */
export function readExpiry(text: string, now: number): Date {
  const lifetime = readDays(text, '--expires');
  if (lifetime > 0 && lifetime <= maxDays * day) return new Date(now + lifetime);
  throw new CommandError(
    'usage',
    `--expires "${text}" is out of range; write a lifetime such as 90d or 12h, at most ${maxDays}d`,
  );
}

/** Parses the overlap of a rotation, such as `1h`, `7d` or `0`, and returns it in milliseconds. Throws a `CommandError`. */
export function readOverlap(text: string): number {
  const overlap = /^0(ms|s|m|h)?$/.test(text) ? 0 : readDays(text, '--overlap');
  if (overlap <= 30 * day) return overlap;
  throw new CommandError('usage', `--overlap "${text}" is out of range; write a time such as 1h or 7d, from 0 to 30d`);
}

/** Parses a duration that may be a number of days. */
function readDays(text: string, option: string): number {
  const [, days] = /^(\d{1,6})d$/.exec(text) ?? [];
  return days === undefined ? readDuration(text, option) : Number(days) * day;
}
