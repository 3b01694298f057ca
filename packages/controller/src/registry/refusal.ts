import type { RefusalReason } from '@kplug/protocol';
import { KplugError } from '../errors.ts';

/** A registration that is not accepted, and why. */
export class RefusedRegistration extends KplugError {
  readonly reason: RefusalReason;

  constructor(reason: RefusalReason, message: string) {
    super('InvalidRegistration', message);
    this.reason = reason;
  }
}
