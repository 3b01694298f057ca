import { durationMs } from '@bufbuild/protobuf/wkt';
import type { Lease } from '@kplug/protocol';

/** Returns the interval and the TTL of a lease, in milliseconds. */
export function leaseTimesOf({ interval, ttl }: Lease): { interval: number; ttl: number } {
  return { interval: interval ? durationMs(interval) : 0, ttl: ttl ? durationMs(ttl) : 0 };
}
