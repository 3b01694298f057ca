import { expect, it } from 'vitest';
import { matchesPlugin } from './plugin-pattern.ts';

it.each([
  ['PostgreSQL', 'PostgreSQL', true],
  ['PostgreSQL', 'postgresql', true],
  ['PostgreSQL', 'PostgreSQL2', false],
  ['a.b', 'aXb', false],
  ['My*', 'MySQL', true],
  ['*', 'anything', true],
  ['My?QL', 'MySQL', true],
  ['My?QL', 'MyQL', false],
])('the pattern %s and the name %s: %s', (pattern, name, expected) => {
  expect(matchesPlugin(['other', pattern], name)).toBe(expected);
});
