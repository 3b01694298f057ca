import { expect, it } from 'vitest';
import { durationSchema, durationUpTo } from './duration-schema.ts';

it('durationSchema accepts positive milliseconds and duration strings', () => {
  expect(durationSchema.parse(250)).toBe(250);
  expect(durationSchema.parse('5s')).toBe(5_000);
  expect(() => durationSchema.parse(0)).toThrow(/is not a duration; use one such as 500ms/);
});

it('refuses a duration that is longer than a timer, or than the given maximum', () => {
  expect(durationSchema.parse('596h')).toBe(596 * 3_600_000);
  expect(() => durationSchema.parse('720h')).toThrow(/is too long; the longest duration is 596h/);
  expect(durationUpTo(8_760 * 3_600_000).parse('720h')).toBe(720 * 3_600_000);
  expect(() => durationUpTo(1_000).parse(1_001)).toThrow(/too long/);
});
