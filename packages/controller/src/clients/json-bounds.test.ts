import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkJsonBounds, type JsonBounds } from './json-bounds.ts';

const bounds: JsonBounds = { maxSize: 1_000, maxDepth: 3, maxValues: 10, maxKeyLength: 5 };
const unbounded: JsonBounds = { maxSize: 1e9, maxDepth: 1e9, maxValues: 1e9, maxKeyLength: 1e9 };

const check = (text: string, given = bounds) => checkJsonBounds(Buffer.from(text), given);

describe('checkJsonBounds', () => {
  it.each([
    ['a text that is too large', JSON.stringify('x'.repeat(1_000)), 'has 1,002 bytes; at most 1,000 are allowed'],
    ['lists that are nested too deep', '[[[[1]]]]', 'is nested more than 3 levels deep'],
    ['lists that are never closed', '['.repeat(500), 'is nested more than 3 levels deep'],
    ['objects that are nested too deep', '{"a":[{"b":{}}]}', 'is nested more than 3 levels deep'],
    ['too many items', JSON.stringify(Array(11).fill(0)), 'has more than 10 values'],
    [
      'too many keys',
      JSON.stringify(Object.fromEntries([...'abcdefghijk'].map((key) => [key, 1]))),
      'has more than 10',
    ],
    ['too many empty lists', `[${'[],'.repeat(9)}[]]`, 'has more than 10 values'],
    ['a key that is too long', '{"abcdef":1}', 'has a key of 6 bytes; at most 5 are allowed'],
    ['a key that is too long in UTF-8', '{"äöü":1}', 'has a key of 6 bytes; at most 5 are allowed'],
  ])('refuses %s', (_, text, excess) => {
    expect(check(text).excess).toContain(excess);
  });

  it.each([
    ['brackets, commas and colons', JSON.stringify('[[[[[{{{{,,,,,,,,,,,,::::')],
    ['escaped quotation marks', JSON.stringify('"[[[["{{{{\\"[[[[\\\\')],
    ['a backslash at the end', JSON.stringify(['\\', [[1]]])],
  ])('ignores %s in strings', (_, text) => {
    expect(check(text)).not.toHaveProperty('excess');
  });

  it('counts at least the values of any JSON, and its depth', () => {
    fc.assert(
      fc.property(fc.json(), (text) => {
        const { values, depth } = extentOf(JSON.parse(text));
        // An empty list or object counts as two values.
        expect(check(text, unbounded).values).toBeGreaterThanOrEqual(values);
        expect(check(text, { ...unbounded, maxDepth: depth })).not.toHaveProperty('excess');
        if (depth > 0) expect(check(text, { ...unbounded, maxDepth: depth - 1 }).excess).toContain('nested');
      }),
    );
  });

  it('measures malformed text, which the parser refuses', () => {
    for (const text of ['', '"', '"\\', '}}}}', ',', ':', '\ufeff{}']) expect(check(text)).toHaveProperty('values');
  });
});

function extentOf(value: unknown): { values: number; depth: number } {
  if (typeof value !== 'object' || value === null) return { values: 1, depth: 0 };
  const inner = Object.values(value).map(extentOf);
  const values = inner.reduce((sum, one) => sum + one.values, 1);
  return { values, depth: 1 + Math.max(0, ...inner.map(({ depth }) => depth)) };
}
