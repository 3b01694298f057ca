import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { Walks } from '../../queue/walks.ts';
import type { WriteFailure } from './write-failure.ts';
import { WriteFailures } from './write-failures.ts';

const keyOf = (name: string, namespace = 'a') => `myorg.org/v1/Table/${namespace}/${name}`;
const full: WriteFailure = {
  ...{ key: keyOf('1'), code: 'StorageFailed', reason: 'ENOSPC', namespace: undefined, message: 'disk full' },
};
const minute = 60_000;

let failures: WriteFailures;
let resumed: string[];
let retried: string[];
let changes: number;
let changed: Set<string>;

beforeEach(() => {
  vi.useFakeTimers();
  resumed = [];
  retried = [];
  changes = 0;
  changed = new Set();
  failures = new WriteFailures({
    backOff: { initial: 1_000, max: 10 * minute },
    walks: new Walks(),
    resume: (key) => resumed.push(key),
    retry: (key) => retried.push(key),
    onChange: () => changes++,
    onFailure: (key) => changed.add(key),
  });
});
afterEach(() => {
  failures.stop();
  vi.useRealTimers();
});

function fail(names: readonly string[], failure = full): void {
  for (const name of names) failures.add(keyOf(name, failure.namespace), failure);
}

it('holds other resources when three have failed with the same cause, and none of those that failed', () => {
  fail(['1', '2']);
  expect(failures.admit(keyOf('4'))).toBe(true);
  fail(['3']);
  expect(failures.admit(keyOf('4'))).toBe(false);
  expect(failures.admit(keyOf('1'))).toBe(true);
  expect(failures.of(keyOf('4'))).toBe(full);
  expect(failures.of(keyOf('5'))).toBeUndefined();
});

it('does not hold resources when one resource fails many times, causes differ, or a success lies between', () => {
  fail(['1', '1', '1', '1']);
  fail(['2'], { ...full, reason: 'EIO' });
  fail(['3'], { ...full, reason: 'Unexpected', code: 'Unexpected' });
  expect(failures.admit(keyOf('9'))).toBe(true);
  fail(['4']);
  failures.succeeded(keyOf('5'));
  fail(['6', '7']);
  expect(failures.admit(keyOf('9'))).toBe(true);
});

it('holds only resources of the namespace in which a right is missing', () => {
  fail(['1', '2', '3'], { ...full, reason: 'Forbidden', namespace: 'a' });
  expect(failures.admit(keyOf('4', 'a'))).toBe(false);
  expect(failures.admit(keyOf('4', 'b'))).toBe(true);
  failures.succeeded(keyOf('4', 'b'));
  expect(failures.admit(keyOf('5', 'a'))).toBe(false);
});

it('resumes one resource at a time as a probe, at growing intervals of at most 30 s', () => {
  fail(['1', '2', '3']);
  for (const name of ['4', '5', '6', '7']) failures.admit(keyOf(name));
  vi.advanceTimersByTime(1_000);
  expect(resumed).toEqual([keyOf('4')]);
  expect(failures.admit(keyOf('4'))).toBe(true);
  fail(['4']);
  vi.advanceTimersByTime(2_000);
  expect(resumed).toEqual([keyOf('4'), keyOf('5')]);
  for (let index = 8; index < 100; index++) failures.admit(keyOf(`${index}`));
  vi.advanceTimersByTime(10 * minute);
  expect(resumed.length).toBeGreaterThan(20);
  expect(resumed.length).toBeLessThan(60);
});

it('resumes all held resources on a success, and retries the others that failed', () => {
  fail(['1', '2', '3']);
  for (const name of ['4', '5', '6']) failures.admit(keyOf(name));
  failures.succeeded(keyOf('2'));
  expect(resumed).toEqual(['4', '5', '6'].map((name) => keyOf(name)));
  expect(failures.admit(keyOf('7'))).toBe(true);
  expect(failures.of(keyOf('2'))).toBeUndefined();
  expect(failures.of(keyOf('1'))).toBe(full);
  vi.advanceTimersByTime(minute / 2);
  expect(retried.sort()).toEqual(['1', '3'].map((name) => keyOf(name)));
  vi.advanceTimersByTime(minute);
  expect(resumed).toHaveLength(3);
  expect(retried).toHaveLength(2);
});

it('does not retry a resource that succeeds by itself, or is gone, after a success of another one', () => {
  fail(['1', '2', '3', '4']);
  failures.succeeded(keyOf('1'));
  failures.succeeded(keyOf('2'));
  failures.forget(keyOf('3'));
  vi.advanceTimersByTime(minute);
  expect(retried).toEqual([keyOf('4')]);
});

it('reports the causes for which resources are held, and when that changes', () => {
  fail(['1', '2']);
  expect([failures.problems, changes]).toEqual([[], 0]);
  fail(['3']);
  failures.admit(keyOf('4'));
  expect([failures.problems, changes]).toEqual([[{ failure: full, failed: 3, held: 1 }], 1]);
  fail(['5']);
  expect(changes).toBe(1);
  failures.succeeded(keyOf('9'));
  expect([failures.problems, changes]).toEqual([[], 2]);
});

it('resumes held resources when those that failed are gone', () => {
  fail(['1', '2', '3']);
  failures.admit(keyOf('4'));
  failures.forget(keyOf('1'));
  expect([resumed, changes]).toEqual([[keyOf('4')], 2]);
});

it('forgets a resource that is gone', () => {
  fail(['1', '2', '3']);
  failures.admit(keyOf('4'));
  failures.forget(keyOf('4'));
  failures.forget(keyOf('1'));
  vi.advanceTimersByTime(minute);
  expect(resumed).toEqual([]);
  expect(failures.of(keyOf('1'))).toBeUndefined();
});

it('tells of each resource whose failure begins or ends', () => {
  const take = () => {
    const keys = [...changed].sort();
    changed.clear();
    return keys;
  };
  fail(['1', '2', '3']);
  expect(take()).toEqual(['1', '2', '3'].map((name) => keyOf(name)));
  failures.admit(keyOf('4'));
  failures.admit(keyOf('5'));
  expect(take()).toEqual(['4', '5'].map((name) => keyOf(name)));
  failures.succeeded(keyOf('1'));
  expect(take()).toEqual(['1', '4', '5'].map((name) => keyOf(name)));
  failures.forget(keyOf('2'));
  expect(take()).toEqual([keyOf('2')]);
});

it('logs a cause once a minute, with the number of failures since', () => {
  expect(failures.add(keyOf('1'), full)).toBe(0);
  for (let index = 0; index < 50; index++) expect(failures.add(keyOf(`${index}`), full)).toBeUndefined();
  expect(failures.add(keyOf('1'), { ...full, reason: 'EIO' })).toBe(0);
  failures.succeeded(keyOf('1'));
  expect(failures.add(keyOf('1'), full)).toBeUndefined();
  vi.advanceTimersByTime(minute);
  expect(failures.add(keyOf('1'), full)).toBe(51);
});
