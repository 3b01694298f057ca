import { isServiceError } from '@kplug/protocol';
import { messageOf } from '../errors.ts';

/** What a failed call says, for people. */
export function describeFailure(error: unknown): string {
  if (!isServiceError(error)) return messageOf(error);
  // Of what grpc-js says of a connection that failed, this is what counts.
  return /Last error: (?:Error: )?(.+?)\. Resolution note:/.exec(error.details)?.[1] ?? error.details;
}
