import { expect, it } from 'vitest';
import { limits } from '../limits/limits.ts';
import { FailureCounts } from './failure-counts.ts';

const { maxFailureReasons, maxPassTextLength } = limits.telemetry;

it('counts failures by reason, the most frequent first, with the last message', () => {
  const counts = new FailureCounts();
  counts.add('NoDatabase', 'first');
  counts.add('DeadlineExceeded', 'late');
  counts.add('NoDatabase', 'second');
  expect(counts.list()).toEqual([
    { reason: 'NoDatabase', count: 2, lastAt: expect.any(Number), lastMessage: 'second' },
    { reason: 'DeadlineExceeded', count: 1, lastAt: expect.any(Number), lastMessage: 'late' },
  ]);
});

it('counts a limited number of reasons separately, and texts that are no reasons together', () => {
  const counts = new FailureCounts();
  for (const reason of ['', '7', 'a b', '\u001b[31m', 'x'.repeat(100)]) counts.add(reason, '');
  for (let index = 0; index < 1_000; index++) counts.add(`Reason${index}`, 'm'.repeat(2 * maxPassTextLength));
  const all = counts.list();
  expect(all.length).toBeLessThanOrEqual(maxFailureReasons);
  expect(all[0]?.reason).toBe('Other');
  expect(all.reduce((sum, { count }) => sum + count, 0)).toBe(1_005);
  expect(all[0]?.lastMessage.length).toBeLessThanOrEqual(maxPassTextLength);
});
