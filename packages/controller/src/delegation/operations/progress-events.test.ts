import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { limits } from '../../limits/limits.ts';
import { ProgressEvents } from './progress-events.ts';

beforeEach(() => void vi.useFakeTimers({ toFake: ['performance'] }));
afterEach(() => void vi.useRealTimers());

it('records one Event per interval for each resource', () => {
  const recorded: string[] = [];
  const events = new ProgressEvents({ record: (key, { message }) => void recorded.push(`${key} ${message}`) });
  events.record('a', '10 %');
  events.record('a', '20 %');
  events.record('b', '5 %');
  vi.advanceTimersByTime(limits.delegation.progressEventInterval - 1);
  events.record('a', '30 %');
  vi.advanceTimersByTime(1);
  events.record('a', '40 %');
  events.record('a', '50 %');
  expect(recorded).toEqual(['a 10 %', 'b 5 %', 'a 40 %']);
});
