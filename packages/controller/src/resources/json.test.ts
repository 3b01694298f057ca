import { parseJson } from '@kplug/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { copyJson, findJsonFault, formatPath, jsonEquals } from './json.ts';
import type { JsonValue } from './resource.ts';

const json = fc.jsonValue().map((value) => JSON.parse(JSON.stringify(value)) as JsonValue);

describe('jsonEquals', () => {
  it('agrees with the sorted JSON text', () => {
    fc.assert(fc.property(json, json, (a, b) => jsonEquals(a, b) === (sortedText(a) === sortedText(b))));
    fc.assert(fc.property(json, (value) => jsonEquals(value, JSON.parse(JSON.stringify(value)))));
  });

  it('treats undefined as missing', () => {
    expect(jsonEquals({ a: 1, b: undefined }, { a: 1 })).toBe(true);
    expect(jsonEquals({ a: 1, b: undefined }, { a: 1, c: 2 })).toBe(false);
    expect(jsonEquals({}, [])).toBe(false);
    expect(jsonEquals({ a: null }, {})).toBe(false);
  });

  it('distinguishes 64-bit integers that are equal as a number', () => {
    expect(jsonEquals([9223372036854775807n], [9223372036854775806n])).toBe(false);
    expect(jsonEquals([9223372036854775807n], [9223372036854775807n])).toBe(true);
    expect(jsonEquals(9223372036854775807n, 2 ** 63)).toBe(false);
    expect(jsonEquals('9223372036854775807', 9223372036854775807n)).toBe(false);
  });

  it('treats a number as equal to the integer that its JSON is parsed as', () => {
    for (const number of [1e18, 2 ** 60, -(2 ** 53)]) {
      const integer = parseJson(JSON.stringify(number)) as bigint;
      expect(typeof integer).toBe('bigint');
      expect(jsonEquals({ a: number }, { a: integer })).toBe(true);
      expect(jsonEquals(integer, number)).toBe(true);
      expect(jsonEquals(integer + 1n, number)).toBe(false);
    }
  });
});

describe('copyJson', () => {
  it('copies at every depth, without undefined fields', () => {
    const original = { list: [{ a: 1 }], gone: undefined, inner: { gone: undefined, kept: null } };
    const copy = copyJson(original);
    expect(copy).toStrictEqual({ list: [{ a: 1 }], inner: { kept: null } });
    expect(copy.list[0]).not.toBe(original.list[0]);
    expect(original).toHaveProperty('gone');
  });
});

describe('findJsonFault', () => {
  it('finds nothing in JSON', () => {
    expect(findJsonFault({ a: [1, 2n ** 63n - 1n, 'two', null, { b: true }], c: undefined })).toBeUndefined();
  });

  it.each([
    ['a key that could change a prototype', JSON.parse('{"a":[{"__proto__":1}]}'), 'a[0].__proto__', 'not allowed'],
    ['a constructor', { constructor: { prototype: 1 } }, 'constructor', 'not allowed'],
    ['a number that JSON lacks', { a: Number.NaN }, 'a', 'not a finite number'],
    ['an integer beyond 64 bits', { a: 2n ** 63n }, 'a', 'does not fit in 64 bits'],
    ['a value that JSON lacks', { a: [() => 1] }, 'a[0]', 'a function'],
    ['an object of a class', { a: new Date(0) }, 'a', 'not a plain object'],
  ])('finds %s', (_, value, path, message) => {
    const fault = findJsonFault(value);
    expect(formatPath(fault?.path ?? [])).toBe(path);
    expect(fault?.message).toContain(message);
  });

  it('rejects values that are too deep, even cyclic ones', () => {
    const endless: { again?: unknown } = {};
    endless.again = endless;
    expect(findJsonFault(endless)?.message).toContain('100 levels');
  });

  it('rejects values that are large by repetition', () => {
    const text = 'x'.repeat(1024 * 1024);
    expect(findJsonFault([text, text, text])).toBeUndefined();
    expect(findJsonFault([text, text, text, text, text])?.message).toContain('4 MiB');
  });
});

function sortedText(value: JsonValue): string {
  return JSON.stringify(value, (_, inner: unknown) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}
