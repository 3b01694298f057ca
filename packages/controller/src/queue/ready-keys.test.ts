import { expect, it } from 'vitest';
import { FifoKeys } from './ready-keys.ts';

it('returns keys in the order in which they were first added', () => {
  const keys = new FifoKeys<string>();
  for (const key of ['a', 'b', 'a', 'c']) keys.add(key);
  expect(keys.size).toBe(3);
  const taken = Array.from({ length: 4 }, () => keys.take(() => true)?.key);
  expect(taken).toEqual(['a', 'b', 'c', undefined]);
});

it('skips keys that may not start, and keeps their place', () => {
  const keys = new FifoKeys<string>();
  for (const key of ['a', 'b']) keys.add(key);
  expect(keys.take((key) => key !== 'a')?.key).toBe('b');
  keys.add('c');
  expect(keys.take(() => true)?.key).toBe('a');
});
