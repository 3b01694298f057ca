import { create } from '@bufbuild/protobuf';
import { GetHistoryResponseSchema } from '@kplug/protocol/services';
import { expect, it } from 'vitest';
import { addUp, chartFigures, coarser } from './history-data.ts';
import { rowAfterKey } from './row-keys.ts';
import { parseViews } from './views-text.ts';

const history = create(GetHistoryResponseSchema, {
  start: { seconds: 1_000n },
  interval: { seconds: 60n },
  delegations: [
    { delegation: 'a', passes: [1, 2, 3], failed: [0, 1, 0] },
    { delegation: 'b', passes: [10, 20, 30], failed: [0, 0, 5] },
  ],
});

it('adds up the history of all delegations, or of one', () => {
  expect(addUp(history, '')).toEqual({
    step: 60,
    times: [1_000, 1_060, 1_120],
    passes: [11, 22, 33],
    failed: [0, 1, 5],
  });
  expect(addUp(history, 'a').passes).toEqual([1, 2, 3]);
  expect(addUp(history, 'none').passes).toEqual([]);
});

it('joins intervals for a table', () => {
  expect(coarser(addUp(history, ''), 2)).toEqual({
    step: 120,
    times: [1_000, 1_120],
    passes: [33, 33],
    failed: [1, 5],
  });
});

it('shows no figure for the time before the operator started', () => {
  const [times, passes, failed] = chartFigures(addUp(history, ''), 300);
  expect(times).toEqual([880, 940, 1_000, 1_060, 1_120]);
  expect(passes).toEqual([null, null, 11, 22, 33]);
  expect(failed).toEqual([null, null, 0, 1, 5]);
});

it.each([
  ['ArrowDown', 5, 6],
  ['ArrowUp', 0, 0],
  ['PageDown', 95, 99],
  ['Home', 50, 0],
  ['End', 50, 99],
])('goes by %s from row %d to %d', (key, from, to) => {
  expect(rowAfterKey(key, from, 100)).toBe(to);
});

it('leaves other keys to the browser', () => {
  expect(rowAfterKey('a', 1, 100)).toBeUndefined();
});

it('reads saved views from whatever is stored', () => {
  expect(parseViews(undefined)).toEqual([]);
  expect(parseViews('{')).toEqual([]);
  expect(parseViews('{"name": "a"}')).toEqual([]);
  expect(parseViews('[null, 3, {"name": ""}, {"name": "Failing", "query": "state=failing", "more": 1}]')).toEqual([
    { name: 'Failing', query: 'state=failing' },
  ]);
});
