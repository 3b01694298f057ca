import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { limits } from '../../limits/limits.ts';
import { Repairs } from './repairs.ts';

const { repairDelay, repairMemory } = limits.delegation;

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

it('double their delays while another client keeps changing a resource, up to a maximum', () => {
  const repairs = new Repairs(5 * repairDelay);
  const next = () => repairs.next('a');
  expect([next(), next(), next(), next(), next()]).toEqual([
    { delay: repairDelay, isContested: false },
    { delay: 2 * repairDelay, isContested: false },
    { delay: 4 * repairDelay, isContested: true },
    { delay: 5 * repairDelay, isContested: true },
    { delay: 5 * repairDelay, isContested: true },
  ]);
  expect(repairs.next('b')).toEqual({ delay: repairDelay, isContested: false });
});

it('start again after a quiet time, and for a resource that is created again', () => {
  const repairs = new Repairs(5 * repairDelay);
  for (const _ of [1, 2, 3]) repairs.next('a');
  vi.advanceTimersByTime(repairMemory);
  expect(repairs.next('a')).toEqual({ delay: repairDelay, isContested: false });
  repairs.next('a');
  repairs.forget('a');
  expect(repairs.next('a').delay).toBe(repairDelay);
});
