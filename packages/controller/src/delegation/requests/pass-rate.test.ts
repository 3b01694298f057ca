import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { PassRate } from './pass-rate.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function pass(rate: PassRate, key = 'a'): number {
  const delay = rate.request(key);
  rate.start(key);
  return delay;
}

it('lets a hundred passes through, then one a second, and a hundred again after a pause', () => {
  const rate = new PassRate();
  expect(Array.from({ length: 100 }, () => pass(rate))).toEqual(Array(100).fill(0));
  expect(rate.request('a')).toBeCloseTo(1_000);
  expect(pass(rate, 'b')).toBe(0);
  vi.advanceTimersByTime(1_000);
  expect(pass(rate)).toBe(0);
  expect(rate.request('a')).toBeCloseTo(1_000);
  vi.advanceTimersByTime(120_000);
  expect(Array.from({ length: 100 }, () => pass(rate))).toEqual(Array(100).fill(0));
});

it('counts passes, not requests, and none that no change caused', () => {
  const rate = new PassRate();
  for (let times = 0; times < 100; times++) rate.request('a');
  for (let times = 0; times < 100; times++) rate.start('a');
  expect(rate.request('a')).toBe(0);
});

it('never delays a pass for longer than the interval', () => {
  const rate = new PassRate();
  for (let times = 0; times < 1_000; times++) pass(rate);
  expect(rate.request('a')).toBeLessThanOrEqual(1_000);
});
