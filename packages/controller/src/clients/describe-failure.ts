import { isServiceError } from '@kplug/protocol';
import { messageOf } from '../errors.ts';

/** Message of a failed call, for people. */
export function describeFailure(error: unknown): string {
  if (!isServiceError(error)) return messageOf(error);
  // The relevant part of the details that grpc-js gives for a failed connection.
  return /Last error: (?:Error: )?(.+?)\. Resolution note:/.exec(error.details)?.[1] ?? error.details;
}
