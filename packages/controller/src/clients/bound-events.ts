import { limits } from '../limits/limits.ts';
import { cutText } from '../resources/cut-text.ts';
import type { PluginEvent } from './plugin-call.ts';

const { maxEventLength, maxEventsSize } = limits.calls;

/** Cuts the Events of an answer to the length of an Event, and drops those that exceed the size of all; one Event then says so. */
export function boundEvents(events: readonly PluginEvent[]): PluginEvent[] {
  const kept: PluginEvent[] = [];
  let size = 0;
  for (const event of events) {
    const message = cutText(event.message, maxEventLength);
    size += message.length + event.reason.length;
    if (size > maxEventsSize) break;
    kept.push({ ...event, message });
  }
  const dropped = events.length - kept.length;
  if (dropped > 0) kept.push(droppedEvent(dropped));
  return kept;
}

function droppedEvent(count: number): PluginEvent {
  const message = `the plugin returned too many or too long Events; ${count} of them were dropped: at most ${maxEventsSize / 1_024} KiB of an answer are recorded`;
  return { type: 'Warning', reason: 'EventsDropped', message, target: undefined };
}
