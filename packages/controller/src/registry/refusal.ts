import { RefusalReason } from '@kplug/protocol';
import { KplugError } from '../errors.ts';

/** Registration that was refused, with the reason. */
export class RefusedRegistration extends KplugError {
  readonly reason: RefusalReason;

  constructor(reason: RefusalReason, message: string) {
    super('InvalidRegistration', message);
    this.reason = reason;
  }
}

/** Returns the name of a reason in the protocol, such as `INVALID`. */
export function nameOfRefusal(reason: RefusalReason): string {
  return Object.entries(RefusalReason).find(([, value]) => value === reason)?.[0] ?? String(reason);
}

/** Refusal of a field that is malformed or missing. */
export function malformed(field: string, value: string, expected: string): RefusedRegistration {
  const what = value ? `${field} "${value}" is malformed` : `${field} is missing`;
  return new RefusedRegistration(RefusalReason.INVALID, `${what}; it must be ${expected}`);
}
