import { describe, expect, it } from 'vitest';
import { limits } from '../limits/limits.ts';
import { Periods, WorkFigures } from './work-figures.ts';

const { loadSlots, loadSlotTime } = limits.telemetry;

const none = { count: 0, failed: 0, p50: undefined, p99: undefined };

describe('WorkFigures', () => {
  it('counts the latest periods, and all', () => {
    const figures = new WorkFigures();
    figures.add(0, false);
    figures.add(loadSlots - 1, true);
    expect(figures.recent(loadSlots - 1)).toEqual({ ...none, count: 2, failed: 1 });
    expect(figures.recent(loadSlots)).toEqual({ ...none, count: 1, failed: 1 });
    expect(figures.recent(5 * loadSlots)).toEqual(none);
    figures.add(5 * loadSlots, false);
    expect(figures.recent(5 * loadSlots)).toEqual({ ...none, count: 1 });
    expect(figures.total).toEqual({ ...none, count: 3, failed: 1 });
  });

  it('has percentiles over several periods, to about 6 %', () => {
    const figures = new WorkFigures();
    for (let duration = 1; duration <= 1_000; duration++) figures.addDuration(duration % loadSlots, duration / 10);
    for (const { p50 = 0, p99 = 0 } of [figures.total, figures.recent(loadSlots - 1)]) {
      expect(Math.abs(p50 / 50 - 1)).toBeLessThan(0.07);
      expect(Math.abs(p99 / 99 - 1)).toBeLessThan(0.07);
    }
  });

  it('measures the shortest and the longest durations', () => {
    const figures = new WorkFigures();
    figures.addDuration(0, 0);
    expect(figures.total.p50).toBe(0.001);
    figures.addDuration(1, 10 ** 9);
    expect(figures.recent(1).p99).toBeGreaterThan(3_000_000);
  });
});

it('Periods number the slots, and tell which time they cover', () => {
  let now = 1_000;
  const periods = new Periods(() => now);
  expect([periods.current, periods.recent, periods.total]).toEqual([0, 0, 0]);
  now += loadSlots * loadSlotTime - 1;
  expect([periods.current, periods.recent]).toEqual([loadSlots - 1, loadSlots * loadSlotTime - 1]);
  now += 1_001;
  expect([periods.current, periods.recent]).toEqual([loadSlots, (loadSlots - 1) * loadSlotTime + 1_000]);
  expect(periods.total).toBe(loadSlots * loadSlotTime + 1_000);
});
