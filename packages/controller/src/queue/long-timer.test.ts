import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { LongTimer } from './long-timer.ts';

const day = 24 * 3_600_000;

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

it.each([1, 24, 25, 30, 100])('fires once after %d days', (days) => {
  const fired = vi.fn();
  new LongTimer(fired, days * day);
  vi.advanceTimersByTime(days * day - 1);
  expect(fired).not.toHaveBeenCalled();
  vi.advanceTimersByTime(1);
  expect(fired).toHaveBeenCalledOnce();
  vi.advanceTimersByTime(100 * day);
  expect(fired).toHaveBeenCalledOnce();
});

it('does not fire after it is cancelled, in its first or in a later part', () => {
  const fired = vi.fn();
  const first = new LongTimer(fired, 60 * day);
  first.cancel();
  const later = new LongTimer(fired, 60 * day);
  vi.advanceTimersByTime(30 * day);
  later.cancel();
  expect(vi.getTimerCount()).toBe(0);
  vi.advanceTimersByTime(60 * day);
  expect(fired).not.toHaveBeenCalled();
});
