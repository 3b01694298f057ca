import { expect, it } from 'vitest';
import { toGoPattern } from './structural-pattern.ts';

it.each([
  ['^[a-z]+$', '^[a-z]+$'],
  ['^\\d{1,3}\\/\\d$', '^\\d{1,3}\\/\\d$'],
  ['\\u00e4\\u{1F600}', '\\x{00e4}\\x{1F600}'],
  ['(?<year>\\d{4})', '(?<year>\\d{4})'],
])('writes %s as %s', (pattern, written) => expect(toGoPattern(pattern)).toBe(written));

it.each(['(?=a)', '(?!a)', '(?<=a)b', '(?<!a)b', '(a)\\1', '(?<a>b)\\k<a>', 'a{1,1001}', 'a{2000}', '(?>a)', 'a++'])(
  'has no equivalent of %s',
  (pattern) => expect(toGoPattern(pattern)).toBeUndefined(),
);
