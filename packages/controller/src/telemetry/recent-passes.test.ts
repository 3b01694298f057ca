import { expect, it } from 'vitest';
import { limits } from '../limits/limits.ts';
import type { PassRecord } from './pass-record.ts';
import { RecentPasses } from './recent-passes.ts';

const { maxPassesPerResource, maxPasses } = limits.telemetry;

function passOf(key: string, startedAt: number): PassRecord {
  const counts = { generation: 1, attempt: 1, waited: 0, took: 1, omittedSteps: 0 };
  const end = { result: 'settled', failed: false, ready: 'True', reason: 'Ready', message: '' } as const;
  return { key, uid: key, delegation: 'tables', startedAt, ...counts, ...end, plugins: [], steps: [] };
}

it('keeps the latest passes of each resource, newest first', () => {
  const passes = new RecentPasses();
  for (let at = 0; at < 2 * maxPassesPerResource; at++) passes.add(passOf('a', at));
  passes.add(passOf('b', 0));
  const times = passes.of('a').map(({ startedAt }) => startedAt);
  expect(times).toEqual(Array.from({ length: maxPassesPerResource }, (_, back) => 2 * maxPassesPerResource - 1 - back));
  expect([passes.of('b').length, passes.of('c')]).toEqual([1, []]);
});

it('keeps a limited number of all, and drops those of the resource that passed least recently', () => {
  const passes = new RecentPasses();
  for (const at of [0, 1, 2]) passes.add(passOf('old', at));
  passes.add(passOf('busy', 0));
  for (let index = 0; index < maxPasses - 4; index++) passes.add(passOf(`r${index}`, index));
  expect(passes.of('old')).toHaveLength(3);
  passes.add(passOf('busy', 1));
  expect([passes.of('old').length, passes.of('busy').length, passes.of('r0').length]).toEqual([0, 2, 1]);
  for (let index = 0; index < 3; index++) passes.add(passOf(`s${index}`, index));
  expect([passes.of('busy').length, passes.of('r0').length]).toEqual([2, 0]);
});
