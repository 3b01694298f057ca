import { expect, it } from 'vitest';
import { faultsOf, hashOf } from './check.ts';

it('finds files that are not what their names say', () => {
  const data = { 'a.json': '{', 'b.yaml': 'a: [', 'c.yml': 'a: 1', 'd.json': '[]', 'e.txt': '{' };
  expect(faultsOf({ data })).toEqual([
    expect.stringMatching(/^a\.json is not sound: /),
    expect.stringMatching(/^b\.yaml is not sound: /),
  ]);
});

it('names a content by what is in it, whatever the order', () => {
  expect(hashOf({ data: { a: '1', b: '2' } })).toBe(hashOf({ data: { b: '2', a: '1' } }));
  expect(hashOf({ data: { a: '1' } })).not.toBe(hashOf({ binaryData: { a: '1' } }));
  expect(hashOf({ data: { a: '1' } })).not.toBe(hashOf({ data: { a: '2' } }));
  expect(hashOf({})).toMatch(/^[0-9a-f]{16}$/);
});
