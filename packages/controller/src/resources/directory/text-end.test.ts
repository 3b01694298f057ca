import { expect, it } from 'vitest';
import { endOf } from './text-end.ts';

it.each([
  ['', 'complete'],
  ['a: 1\n', 'complete'],
  ['a: 1\r\n', 'complete'],
  ['a: 1\n\n# a comment', 'complete'],
  ['{"a": 1}', 'complete'],
  ['[1]  ', 'complete'],
  ['a: 1', 'open line'],
  ['a: |\n  ---', 'open line'],
  ['a: |\n  ---\n', 'complete'],
  ['a: 1\n---\n', 'separator'],
  ['a: 1\n---', 'separator'],
  ['a: 1\n--- # next\n\n# a comment\n', 'separator'],
  ['---\na: 1\n', 'complete'],
  ['a: 1\n...\n', 'complete'],
])('finds the end of %j', (text, end) => {
  expect(endOf(text)).toBe(end);
});
