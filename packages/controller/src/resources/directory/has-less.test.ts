import { expect, it } from 'vitest';
import type { JsonValue } from '../resource.ts';
import { hasLess } from './has-less.ts';

it.each<[now: JsonValue | undefined, before: JsonValue | undefined, less: boolean]>([
  [{ a: 1 }, undefined, false],
  [{ a: 1, b: 2 }, { a: 1 }, false],
  [{ a: 2 }, { a: 1 }, false],
  [{}, { a: 1 }, true],
  [null, { a: 1 }, true],
  [undefined, { a: 1 }, true],
  [{ a: { b: {} } }, { a: { b: { c: 1 } } }, true],
  [[1, 2], [1], false],
  [[1], [1, 2], true],
  [[{}], [{ a: 1 }], true],
  [{ 0: 1 }, [1], true],
  [[1], { 0: 1 }, true],
  ['one\n', 'one\ntwo\n', true],
  ['two', 'one', false],
  [1, 'one', true],
  [1, 2, false],
])('compares %j with an earlier %j', (now, before, less) => {
  expect(hasLess(now, before)).toBe(less);
});
