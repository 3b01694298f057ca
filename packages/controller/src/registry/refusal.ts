import type { RefusalReason } from '@kplug/protocol';
import { KplugError } from '../errors.ts';

/** Registration that was refused, with the reason. */
export class RefusedRegistration extends KplugError {
  readonly reason: RefusalReason;

  constructor(reason: RefusalReason, message: string) {
    super('InvalidRegistration', message);
    this.reason = reason;
  }
}
