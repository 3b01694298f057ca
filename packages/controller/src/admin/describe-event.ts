import type { MessageInitShape } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { EventType, type RecordedEventSchema } from '@kplug/protocol';
import type { ListedEvent } from '../telemetry/events.ts';

/** Describes an Event with its resource. */
export function describeEvent(event: ListedEvent): MessageInitShape<typeof RecordedEventSchema> {
  const { reason, message, regarding: target, count, lastAt } = event;
  return { event: { type: typeOf(event), reason, message, target }, count, lastAt: timestampFromMs(lastAt) };
}

/** Returns the type of an Event. */
export function typeOf({ type }: Pick<ListedEvent, 'type'>): EventType {
  return type === 'Warning' ? EventType.WARNING : EventType.NORMAL;
}
