import { describe, expect, it } from 'vitest';
import { limits } from '../limits/limits.ts';
import { PassHistory } from './pass-history.ts';

const { historyIntervals, historyInterval, maxLabelValues } = limits.telemetry;

/** Returns a history with a clock that only moves when told. */
function historyWithClock() {
  let now = 1_000;
  const history = new PassHistory(() => now);
  return { history, forward: (intervals: number) => (now += intervals * historyInterval) };
}

describe('PassHistory', () => {
  it('counts the passes of each delegation in the intervals since the start', () => {
    const { history, forward } = historyWithClock();
    history.passed('tables', false);
    history.passed('queues', false);
    forward(2);
    history.passed('tables', true);
    history.passed('tables', false);
    const { start, interval, delegations } = history.read();
    expect(interval).toBe(historyInterval);
    expect(Math.abs(Date.now() - 2 * historyInterval - start)).toBeLessThan(1_000);
    expect(delegations).toEqual([
      { delegation: 'queues', passes: [1, 0, 0], failed: [0, 0, 0] },
      { delegation: 'tables', passes: [1, 0, 2], failed: [0, 0, 1] },
    ]);
  });

  it('forgets what is older than an hour, also over a long pause', () => {
    const { history, forward } = historyWithClock();
    history.passed('tables', true);
    forward(historyIntervals - 1);
    expect(history.read().delegations).toMatchObject([{ passes: { length: historyIntervals, 0: 1 } }]);
    history.passed('tables', false);
    forward(1);
    const [series] = history.read().delegations;
    expect(series?.passes.map((count, index) => [count, index]).filter(([count]) => count)).toEqual([
      [1, historyIntervals - 2],
    ]);
    expect(series?.failed.some((count) => count > 0)).toBe(false);
    forward(3 * historyIntervals);
    expect(history.read().delegations).toEqual([]);
    history.passed('tables', false);
    expect(history.read().delegations[0]?.passes.filter((count) => count > 0)).toEqual([1]);
  });

  it('counts a limited number of delegations separately, of which those that ended make room', () => {
    const { history, forward } = historyWithClock();
    for (let index = 0; index < maxLabelValues + 50; index++) history.passed(`delegation-${index}`, false);
    const { delegations } = history.read();
    expect(delegations).toHaveLength(maxLabelValues + 1);
    expect(delegations[0]).toEqual({ delegation: '', passes: [50], failed: [0] });
    forward(2 * historyIntervals);
    history.passed('tables', false);
    expect(history.read().delegations).toMatchObject([{ delegation: 'tables' }]);
  });
});
