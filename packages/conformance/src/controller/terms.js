import { durationMs } from '@bufbuild/protobuf/wkt';
/** The times of a lease, in milliseconds. */
export function termsOf({ interval, ttl }) {
  return { interval: interval ? durationMs(interval) : 0, ttl: ttl ? durationMs(ttl) : 0 };
}
//# sourceMappingURL=terms.js.map
