import { expect, it } from 'vitest';
import { limits } from '../limits/limits.ts';
import { boundEvents } from './bound-events.ts';

const { maxEventLength, maxEventsSize } = limits.calls;
const event = (message: string) => ({ type: 'Normal', reason: 'Said', message, target: undefined }) as const;

it('leaves usual Events as they are', () => {
  const events = [event('a'), event('b')];
  expect(boundEvents(events)).toEqual(events);
});

it('cuts long Events, drops those that exceed the size of all, and says so', () => {
  const events = boundEvents(Array.from({ length: 100 }, () => event('x'.repeat(32_768))));
  expect(events.length).toBeLessThanOrEqual(maxEventsSize / maxEventLength + 1);
  for (const { message } of events) expect(message.length).toBeLessThanOrEqual(maxEventLength);
  expect(events.at(-1)).toMatchObject({
    type: 'Warning',
    reason: 'EventsDropped',
    message: expect.stringMatching(/too many or too long Events; 85 of them were dropped/),
  });
});
