import type { MessageInitShape } from '@bufbuild/protobuf';
import { durationFromMs } from '@bufbuild/protobuf/wkt';
import type { LeaseSchema } from '@kplug/protocol';
import type { Lease } from '../registry/registration.ts';

/** Returns a lease as a message of the protocol. */
export function leaseMessage(
  { interval, ttl }: Lease,
  drain: boolean,
  secret = '',
): MessageInitShape<typeof LeaseSchema> {
  return { interval: durationFromMs(interval), ttl: durationFromMs(ttl), drain, secret };
}
