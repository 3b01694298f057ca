import fc from 'fast-check';
import { expect, it } from 'vitest';
import { nameFrom } from './name-from.ts';

const named = (name: string) => ({ metadata: { name } });

it.each([
  ['users', 'db', 63, 'users-db'],
  ['a'.repeat(60), 'db', 63, `${'a'.repeat(60)}-db`],
  // The same in Python, in packages/sdk-python/tests/test_names.py.
  ['a'.repeat(61), 'db', 63, `${'a'.repeat(54)}-605b2a30`],
  [`${'a'.repeat(53)}.b`, 'database', 63, `${'a'.repeat(53)}-2330b093`],
  ['a'.repeat(253), 'db', 253, `${'a'.repeat(244)}-a055bd8e`],
])('the name from %s and %s, of at most %i characters, is %s', (name, suffix, maxLength, expected) => {
  expect(nameFrom(named(name), suffix, maxLength)).toBe(expected);
});

it('is unique, stable and valid', () => {
  const names = fc.stringMatching(/^[a-z0-9]([-a-z0-9.]{0,250}[a-z0-9])?$/);
  fc.assert(
    fc.property(names, names, (a, b) => {
      const [first, second] = [nameFrom(named(a), 'db'), nameFrom(named(b), 'db')];
      expect(first.length).toBeLessThanOrEqual(63);
      expect(nameFrom(named(a), 'db')).toBe(first);
      expect(first === second).toBe(a === b);
      expect(first).toMatch(/^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/);
      expect(first).not.toMatch(/[.-]-[0-9a-f]{8}$/);
    }),
  );
});

it('is refused if it is to be too short', () => {
  expect(() => nameFrom(named('a'), 'db', 9)).toThrow(RangeError);
});
