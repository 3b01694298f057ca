import { isServiceError, printable } from '@kplug/protocol';
import { messageOf } from '../errors.ts';
import { limits } from '../limits/limits.ts';

const { maxFailureLength } = limits.calls;

/** Message of a failed call, for people: on one line, printable and cut, as plugins choose its text. */
export function describeFailure(error: unknown): string {
  return printable(textOf(error), maxFailureLength);
}

function textOf(error: unknown): string {
  if (!isServiceError(error)) return messageOf(error);
  // The relevant part of the details that grpc-js gives for a failed connection.
  return /Last error: (?:Error: )?(.+?)\. Resolution note:/.exec(error.details)?.[1] ?? error.details;
}
