import { ResourceState } from '@kplug/protocol/services';
import { expect, it } from 'vitest';
import { countOf, formatShare } from './number.ts';
import { shown } from './shown.ts';
import { stateOf, wordOf } from './state.ts';
import { formatAge, formatDuration, formatSpan, millisecondsOf } from './time.ts';

it.each([
  [0, '0s'],
  [-5_000, '0s'],
  [59_999, '59s'],
  [65_000, '1m 5s'],
  [3_600_000, '1h'],
  [36_000_000 + 60_000, '10h'],
  [90_061_000, '1d 1h'],
])('formats the span %d', (milliseconds, text) => {
  expect(formatSpan(milliseconds)).toBe(text);
});

it('takes small differences of clocks for no future', () => {
  expect(formatAge(1_500, 0)).toBe('just now');
  expect(formatAge(60_000, 0)).toBe('in 1m');
  expect(formatAge(0, 60_000)).toBe('1m ago');
});

it.each([
  [0.5, '500 µs'],
  [2.34, '2.3 ms'],
  [850.4, '850 ms'],
  [1_250, '1.25 s'],
  [61_000, '1m 1s'],
])('formats the duration %d', (milliseconds, text) => {
  expect(formatDuration(milliseconds)).toBe(text);
});

it('reads timestamps', () => {
  expect(millisecondsOf({ $typeName: 'google.protobuf.Timestamp', seconds: 2n, nanos: 5_000_000 })).toBe(2_005);
  expect(millisecondsOf(undefined)).toBeUndefined();
});

it('never says none of some, nor all of not all', () => {
  expect([formatShare(1, 100_000), formatShare(99_999, 100_000), formatShare(0, 5), formatShare(5, 5)]).toEqual([
    '<1 %',
    '>99 %',
    '0 %',
    '100 %',
  ]);
  expect(formatShare(0, 0)).toBe('–');
  expect([countOf(1, 'match', 'matches'), countOf(12_000, 'match', 'matches')]).toEqual(['1 match', '12,000 matches']);
});

it('has a word for each state, also for one that it does not know', () => {
  expect(wordOf(ResourceState.FAILING)).toBe('failing');
  expect(wordOf(99)).toBe('unknown');
  expect(stateOf('paused')).toBe(ResourceState.PAUSED);
});

it('makes hostile text visible and bounded', () => {
  expect(shown('a\u202eb\u0007')).toBe('a\\u202eb\\u0007');
  expect(shown('x'.repeat(10_000))).toHaveLength(600);
});
