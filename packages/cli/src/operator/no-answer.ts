import { CommandError } from '../command-error.ts';
import type { OperatorPlace } from './operator-place.ts';

/** Makes the error of a command whose operator doesn't answer. @param reason what is known of the failure, for people. */
export function noAnswer(
  { url, origin }: Pick<OperatorPlace, 'url' | 'origin'>,
  cause: unknown,
  reason = '',
): CommandError {
  const problem = `no operator answers at ${url} (${origin})${reason && `: ${reason}`}`;
  const advice = 'start one with "kplug operator", or give its admin port with --admin or KPLUG_ADMIN';
  return new CommandError('unreachable', `${problem}; ${advice}`, { cause });
}
