import type { Timestamp } from '@bufbuild/protobuf/wkt';
import { now } from '../data/connection.ts';
import { formatAge, formatExact, formatSpan, millisecondsOf } from '../format/time.ts';

/** How long ago something was, as `3m ago` or, if `isShort`, `3m`. Renders nothing for a time that isn't known. */
export function Age({ time, isShort = false }: { time: Timestamp | undefined; isShort?: boolean }) {
  const at = millisecondsOf(time);
  if (at === undefined) return null;
  const text = isShort ? formatSpan(now.value - at) : formatAge(at, now.value);
  return (
    <time dateTime={new Date(at).toISOString()} title={formatExact(at)}>
      {text}
    </time>
  );
}
