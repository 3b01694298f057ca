import { Code, ConnectError } from '@connectrpc/connect';
import { expect, it, vi } from 'vitest';
import { retryDelay } from './back-off.ts';
import { problemOf } from './problem.ts';
import { RowWindows } from './row-windows.ts';
import { measureSkew, serverTime } from './server-clock.ts';

it('waits longer after each failure, and never long', () => {
  expect([1, 2, 3, 10].map((attempt) => retryDelay(attempt, 0.5))).toEqual([1_000, 2_000, 4_000, 15_000]);
});

it.each([
  [new ConnectError('no token', Code.Unauthenticated), 'signed-out'],
  [new ConnectError('may not', Code.PermissionDenied), 'forbidden'],
  [new ConnectError('gone', Code.NotFound), 'missing'],
  [new ConnectError('wrong', Code.Internal), 'failed'],
  [new TypeError('Failed to fetch'), 'unreachable'],
])('says what to do about %s', (error, kind) => {
  const problem = problemOf(error);
  expect(problem).toMatchObject({ kind, advice: expect.stringMatching(/\w/) });
});

it('follows the clock of the operator if it is another one', () => {
  measureSkew(new Date(100_000).toUTCString(), 40_000);
  expect(serverTime(40_000)).toBe(100_500);
  measureSkew(new Date(41_000).toUTCString(), 40_000);
  expect(serverTime(40_000)).toBe(40_000);
  measureSkew('not a date');
  expect(serverTime(40_000)).toBe(40_000);
});

/** A list of numbers whose loads wait for the test. */
function numbers(total = 100_000) {
  const asked: number[] = [];
  const load = async (offset: number, limit: number) => {
    asked.push(offset);
    return { rows: Array.from({ length: limit }, (_, index) => offset + index), total };
  };
  const onChange = vi.fn();
  return { asked, onChange, windows: new RowWindows(load, onChange) };
}

it('loads the windows in sight, once', async () => {
  const { asked, onChange, windows } = numbers();
  windows.want(0, 30);
  windows.want(5, 35);
  await vi.waitFor(() => expect(windows.row(30)).toBe(30));
  expect(windows.total).toBe(100_000);
  windows.want(50_090, 50_120);
  await vi.waitFor(() => expect(windows.row(50_120)).toBe(50_120));
  expect(asked).toEqual([0, 50_000, 50_100]);
  expect(onChange).toHaveBeenCalledTimes(3);
});

it('keeps few of the windows, and those in sight', async () => {
  const { windows } = numbers();
  for (let first = 0; first < 5_000; first += 100) {
    windows.want(first, first);
    await vi.waitFor(() => expect(windows.row(first)).toBe(first));
  }
  expect(windows.row(0)).toBeUndefined();
  expect(windows.row(4_900)).toBe(4_900);
});

it('shows the rows from before until newer ones have come', async () => {
  let version = 1;
  const windows = new RowWindows(
    async () => ({ rows: [version], total: 1 }),
    () => undefined,
  );
  windows.want(0, 0);
  await vi.waitFor(() => expect(windows.row(0)).toBe(1));
  version = 2;
  windows.refresh();
  expect(windows.row(0)).toBe(1);
  await vi.waitFor(() => expect(windows.row(0)).toBe(2));
});

it('keeps its rows when it fails, says why, and loads again at the next attempt', async () => {
  let fails = false;
  const windows = new RowWindows(
    async () => {
      if (fails) throw new ConnectError('overloaded', Code.Unavailable);
      return { rows: ['row'], total: 1 };
    },
    () => undefined,
  );
  windows.want(0, 0);
  await vi.waitFor(() => expect(windows.row(0)).toBe('row'));
  fails = true;
  windows.refresh();
  await vi.waitFor(() => expect(windows.problem).toMatchObject({ kind: 'unreachable', detail: 'overloaded' }));
  expect(windows.row(0)).toBe('row');
  fails = false;
  windows.refresh();
  await vi.waitFor(() => expect(windows.problem).toBeUndefined());
});
