import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { Instance } from '../registry/instance.ts';
import { HangingInstances } from './hanging-instances.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const [a, b] = [{} as Instance, {} as Instance];

it('avoids an instance whose calls timed out in a row, until an answer or for a minute', () => {
  const hanging = new HangingInstances();
  hanging.timedOut(a);
  expect(hanging.avoid([a, b])).toEqual([a, b]);
  hanging.timedOut(a);
  expect(hanging.avoid([a, b])).toEqual([b]);
  hanging.answered(a);
  expect(hanging.avoid([a, b])).toEqual([a, b]);
  for (let times = 0; times < 2; times++) hanging.timedOut(a);
  vi.advanceTimersByTime(59_999);
  expect(hanging.avoid([a, b])).toEqual([b]);
  vi.advanceTimersByTime(1);
  expect(hanging.avoid([a, b])).toEqual([a, b]);
});

it('avoids none if all hang', () => {
  const hanging = new HangingInstances();
  for (const instance of [a, a, b, b]) hanging.timedOut(instance);
  expect(hanging.avoid([a, b])).toEqual([a, b]);
});
