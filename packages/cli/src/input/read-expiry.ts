import { CommandError } from '../command-error.ts';
import { readDuration } from './read-duration.ts';

const day = 86_400_000;
const maxDays = 36_500;

/** Parses the lifetime of a token, such as `90d` or `12h`, and returns its end. Throws a `CommandError`. */
export function readExpiry(text: string, now: number): Date {
  const [, days] = /^(\d{1,6})d$/.exec(text) ?? [];
  const lifetime = days === undefined ? readDuration(text, '--expires') : Number(days) * day;
  if (lifetime > 0 && lifetime <= maxDays * day) return new Date(now + lifetime);
  throw new CommandError(
    'usage',
    `--expires "${text}" is out of range; write a lifetime such as 90d or 12h, at most ${maxDays}d`,
  );
}
