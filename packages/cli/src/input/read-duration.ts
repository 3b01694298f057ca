import { parseDuration } from '@kplug/controller';
import { CommandError } from '../command-error.ts';

/** A duration that was given for an option, in milliseconds. Throws a `CommandError`. */
export function readDuration(text: string, option: string): number {
  const duration = parseDuration(text);
  if (duration) return duration;
  throw new CommandError('usage', `${option} "${text}" is no duration; write one such as 500ms, 5s or 1m30s`);
}
