import { expect, it } from 'vitest';
import { type Filter, formatFilter, isNoFilter, noFilter, parseFilter } from './filter.ts';
import { formatLiveFilter, parseLiveFilter } from './live-filter.ts';

const whole: Filter = {
  states: ['waiting', 'failing'],
  delegation: 'tables',
  namespace: 'shop',
  plugin: 'PostgreSQL',
  cause: 'a b&c=d',
  text: 'users ü',
};

it('reads from a URL what it wrote there', () => {
  expect(parseFilter(new URLSearchParams(formatFilter(whole)))).toEqual(whole);
  expect(formatFilter(whole)).toContain('state=waiting,failing');
});

it('writes nothing for no filter', () => {
  expect(formatFilter(noFilter)).toBe('');
  expect(isNoFilter(parseFilter(new URLSearchParams('')))).toBe(true);
  expect(isNoFilter(whole)).toBe(false);
});

it('leaves out states that it does not know, and cuts what is too long', () => {
  const { states, text } = parseFilter(new URLSearchParams({ state: 'ready,<script>,ready', q: 'x'.repeat(5_000) }));
  expect(states).toEqual(['ready']);
  expect(text).toHaveLength(300);
});

it('reads the filter of what happens now from a URL, and leaves out a kind that it does not know', () => {
  const live = { kind: 'passes', delegation: 'tables & more', text: 'users' } as const;
  expect(parseLiveFilter(new URLSearchParams(formatLiveFilter(live)))).toEqual(live);
  expect(formatLiveFilter({ kind: '', delegation: '', text: '' })).toBe('');
  expect(parseLiveFilter(new URLSearchParams('kind=<script>&q=a'))).toEqual({ kind: '', delegation: '', text: 'a' });
});
