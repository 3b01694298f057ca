import { durationMs } from '@bufbuild/protobuf/wkt';
import type { Lease } from '@kplug/protocol';

/** The times of a lease, in milliseconds. */
export function termsOf({ interval, ttl }: Lease): { interval: number; ttl: number } {
  return { interval: interval ? durationMs(interval) : 0, ttl: ttl ? durationMs(ttl) : 0 };
}
