import { CommandError } from '../command-error.ts';
import { readDuration } from './read-duration.ts';

const maxHours = 720;

/** Parses the time for which a replaced token stays valid, such as `1h`, or `0` for none, in milliseconds. Throws a `CommandError`. */
export function readOverlap(text: string): number {
  const overlap = /^0[a-z]*$/.test(text) ? 0 : readDuration(text, '--overlap');
  if (overlap <= maxHours * 3_600_000) return overlap;
  throw new CommandError('usage', `--overlap "${text}" is out of range; write a time such as 1h, at most ${maxHours}h`);
}
