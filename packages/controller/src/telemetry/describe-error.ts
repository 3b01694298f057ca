import { KplugError, messageOf } from '../errors.ts';
import { limits } from '../limits/limits.ts';
import { cutText } from '../resources/cut-text.ts';

const { maxPassTextLength } = limits.telemetry;

/** Returns the code and the message of an error, cut. An error that is none of ours has the code `Unknown`. */
export function describeError(error: unknown): { code: string; message: string } {
  const code = error instanceof KplugError ? error.code : 'Unknown';
  return { code, message: cutText(messageOf(error), maxPassTextLength) };
}
