import { expect, it } from 'vitest';
import { compilePattern } from './go-pattern.ts';

it.each([
  ['^[a-z]+$', 'abc', true],
  ['(?i)^abc$', 'ABC', true],
  ['^(?i)abc$', 'ABC', true],
  ['^[[:alpha:]]+$', 'abc', true],
  ['^[[:alpha:]]+$', 'ab1', false],
  ['\\Aab\\z', 'ab', true],
  ['^(?P<name>a)$', 'a', true],
  ['^a\\-b$', 'a-b', true],
  ['^\\p{L}$', 'ä', true],
])('%s on %s is %s', (pattern, text, isMatch) => {
  expect(compilePattern(pattern)?.test(text)).toBe(isMatch);
});

it('returns nothing for a pattern that JavaScript does not have', () => {
  expect(compilePattern('a(?U)b')).toBeUndefined();
});
