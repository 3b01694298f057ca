import { expect, it } from 'vitest';
import { ageOf, formatAge } from './age.ts';

it.each([
  [-5, '0s'],
  [999, '0s'],
  [59_999, '59s'],
  [60_000, '1m'],
  [3_599_999, '59m'],
  [7_200_000, '2h'],
  [200_000_000, '2d'],
])('%i milliseconds are an age of %s', (milliseconds, text) => {
  expect(formatAge(milliseconds)).toBe(text);
});

it('an unknown time has no age', () => {
  expect(ageOf(undefined, 0)).toBe('-');
  expect(ageOf(Date.parse('never'), 0)).toBe('-');
});
