import { expect, it } from 'vitest';
import { readExpiry, readOverlap } from './read-lifetime.ts';

const hour = 3_600_000;

it.each([
  ['0', 0],
  ['0s', 0],
  ['0d', 0],
  ['90m', 1.5 * hour],
  ['7d', 168 * hour],
  ['30d', 720 * hour],
])('readOverlap reads %s as %d ms', (text, overlap) => expect(readOverlap(text)).toBe(overlap));

it.each(['31d', '721h', '-1h', '1', 'soon', '', '1h7d'])('readOverlap refuses "%s"', (text) => {
  expect(() => readOverlap(text)).toThrow(/^--overlap "/);
});

it('readExpiry reads a lifetime from now on, and refuses none', () => {
  expect(readExpiry('90d', 0)).toEqual(new Date(90 * 24 * hour));
  for (const text of ['0', '0d', '0s', '36501d', 'soon']) expect(() => readExpiry(text, 0)).toThrow(/^--expires "/);
});
