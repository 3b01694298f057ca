import { expect, it } from 'vitest';
import { hashOf, validate } from './check.ts';

it('finds files that are invalid according to their extension', () => {
  const data = { 'a.json': '{', 'b.yaml': 'a: [', 'c.yml': 'a: 1', 'd.json': '[]', 'e.txt': '{' };
  expect(validate({ data })).toEqual([
    expect.stringMatching(/^a\.json is invalid: /),
    expect.stringMatching(/^b\.yaml is invalid: /),
  ]);
});

it('hashes the content, in any order of keys', () => {
  expect(hashOf({ data: { a: '1', b: '2' } })).toBe(hashOf({ data: { b: '2', a: '1' } }));
  expect(hashOf({ data: { a: '1' } })).not.toBe(hashOf({ binaryData: { a: '1' } }));
  expect(hashOf({ data: { a: '1' } })).not.toBe(hashOf({ data: { a: '2' } }));
  expect(hashOf({})).toMatch(/^[0-9a-f]{16}$/);
});
