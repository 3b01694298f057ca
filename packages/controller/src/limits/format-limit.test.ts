import { expect, it } from 'vitest';
import { formatLimit, formatRange } from './format-limit.ts';
import { bytes, characters, count, GiB, hours, KiB, MiB, milliseconds } from './limit.ts';

it.each([
  [milliseconds(250, ''), '250 ms'],
  [milliseconds(1_500, ''), '1,500 ms'],
  [milliseconds(45_000, ''), '45 s'],
  [milliseconds(10 * 60_000, ''), '10 min'],
  [milliseconds(3 * hours, ''), '3 h'],
  [milliseconds(24 * hours, ''), '1 d'],
  [milliseconds(0, ''), '0 ms'],
  [bytes(500, ''), '500 bytes'],
  [bytes(64 * KiB, ''), '64 KiB'],
  [bytes(4 * MiB, ''), '4 MiB'],
  [bytes(GiB, ''), '1 GiB'],
  [characters(2_048, ''), '2,048 characters'],
  [count(200_000, ''), '200,000'],
])('formats a value: %#', (limit, text) => {
  expect(formatLimit(limit, limit.value)).toBe(text);
});

it.each([
  [count(1, ''), ''],
  [count(1, '', { min: 1 }), 'at least 1'],
  [count(1, '', { max: 1_000 }), '0 to 1,000'],
  [milliseconds(1, '', { sane: [1_000, 60_000] }), 'recommended: 1 s to 1 min'],
  [count(1, '', { min: 1, max: 9, sane: [2, 3] }), '1 to 9; recommended: 2 to 3'],
])('formats a range: %#', (limit, text) => {
  expect(formatRange(limit)).toBe(text);
});
