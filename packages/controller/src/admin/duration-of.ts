import type { MessageInitShape } from '@bufbuild/protobuf';
import type { DurationSchema } from '@bufbuild/protobuf/wkt';

/** Converts a time in milliseconds to whole microseconds. */
export function durationOf(time: number): MessageInitShape<typeof DurationSchema> {
  const microseconds = Math.round(time * 1_000);
  return { seconds: BigInt(Math.floor(microseconds / 1_000_000)), nanos: (microseconds % 1_000_000) * 1_000 };
}
