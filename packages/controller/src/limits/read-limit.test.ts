import { expect, it } from 'vitest';
import { KplugError } from '../errors.ts';
import { count, milliseconds } from './limit.ts';
import { limitTable } from './limits.ts';
import { readLimit } from './read-limit.ts';

const timeout = milliseconds(2_000, 'Time to answer.', { settings: ['connections.openTimeout'] });
const weight = count(100, 'Weight.', { settings: ['weight', 'KPLUG_WEIGHT'], min: 1, max: 1_000 });

it('returns the default, or the given value', () => {
  expect(readLimit(timeout, undefined)).toBe(2_000);
  expect(readLimit(timeout, 5)).toBe(5);
  expect(readLimit(timeout, 2_147_483_647)).toBe(2_147_483_647);
  expect(readLimit(weight, 1)).toBe(1);
  expect(readLimit(weight, 1_000)).toBe(1_000);
});

it.each([
  [timeout, -5, 'connections.openTimeout is -5; it must be a number of milliseconds from 0 to 2,147,483,647'],
  [timeout, Number.NaN, 'connections.openTimeout is NaN; it must be a number of milliseconds from 0 to 2,147,483,647'],
  [
    timeout,
    Number.POSITIVE_INFINITY,
    'connections.openTimeout is Infinity; it must be a number of milliseconds from 0 to 2,147,483,647',
  ],
  [weight, 0, 'weight is 0; it must be a number from 1 to 1,000'],
  [weight, 1_001, 'weight is 1001; it must be a number from 1 to 1,000'],
])('refuses a value outside of the range: %#', (limit, value, message) => {
  expect(() => readLimit(limit, value)).toThrow(new KplugError('InvalidConfiguration', message));
});

it('every default is within its range', () => {
  for (const group of Object.values(limitTable)) {
    for (const limit of Object.values(group)) expect(readLimit(limit, limit.value)).toBe(limit.value);
  }
});
