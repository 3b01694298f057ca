import { expect, it } from 'vitest';
import { SetsByKey } from './sets-by-key.ts';

it('keeps the values of each key, and no key without values', () => {
  const sets = new SetsByKey<string, number>();
  sets.add('a', 1);
  sets.add('a', 2);
  sets.add('a', 2);
  sets.add('b', 3);
  expect(sets.get('a')).toEqual(new Set([1, 2]));
  sets.delete('a', 1);
  sets.delete('b', 3);
  sets.delete('b', 3);
  expect([...sets.keys()]).toEqual(['a']);
  expect(sets.get('b')).toBeUndefined();
});

it('takes all values of a key', () => {
  const sets = new SetsByKey<string, number>();
  sets.add('a', 1);
  expect(sets.take('a')).toEqual(new Set([1]));
  expect(sets.take('a')).toBeUndefined();
  expect([...sets.keys()]).toEqual([]);
});
