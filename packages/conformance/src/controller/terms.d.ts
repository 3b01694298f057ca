import type { Lease } from '@kplug/protocol';
/** The times of a lease, in milliseconds. */
export declare function termsOf({ interval, ttl }: Lease): {
  interval: number;
  ttl: number;
};
