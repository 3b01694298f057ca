import { parseDuration } from '@kplug/controller/tools';
import { CommandError } from '../command-error.ts';

/** Parses the duration of an option and returns it in milliseconds. Throws a `CommandError`. */
export function readDuration(text: string, option: string): number {
  const duration = parseDuration(text);
  if (duration) return duration;
  throw new CommandError('usage', `${option} "${text}" is not a duration; write one such as 500ms, 5s or 1m30s`);
}
