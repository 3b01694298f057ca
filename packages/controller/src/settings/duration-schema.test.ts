import { expect, it } from 'vitest';
import { durationSchema } from './duration-schema.ts';

it('durationSchema accepts positive milliseconds and duration strings', () => {
  expect(durationSchema.parse(250)).toBe(250);
  expect(durationSchema.parse('5s')).toBe(5_000);
  expect(() => durationSchema.parse(0)).toThrow(/is not a duration; use one such as 500ms/);
});
