import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { formatJson, narrowIntegers, parseJson } from '@kplug/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { jsonEquals } from '../json.ts';
import type { JsonValue } from '../resource.ts';
import { formatYaml } from './format-yaml.ts';
import { readTextOf } from './testing.ts';

/** Texts that parsers of YAML read in different ways. */
const rows = readFileSync(join(import.meta.dirname, 'kubectl-table.jsonl'), 'utf8')
  .trimEnd()
  .split('\n')
  .map((line) => JSON.parse(line) as [string]);
const texts = [...new Set(rows.flatMap(([text]) => [text, text.replace(/^v: /, '').trimEnd()]))];

describe('formatYaml', () => {
  it('writes what kubectl, YAML 1.1 and YAML 1.2 read as the same value', () => {
    for (let start = 0; start < texts.length; start += 100) {
      const some = texts.slice(start, start + 100);
      const fields = Object.fromEntries(some.map((text) => [text, [text]]));
      expect(findDifference({ ...fields, list: [...some, fields] })).toBeUndefined();
    }
  });

  it('writes any JSON value so that it is read as it was', () => {
    const tricky = fc.string({
      unit: fc.constantFrom(...'ab01 \n\r\t:#-?|>\'"\\%@&*!,[]{}~.=<\u0085\u2028\ufeff\u00e9\u{1f600}'),
    });
    const string = fc.oneof(fc.constantFrom(...texts), tricky, fc.string({ unit: 'binary' }));
    const int64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
    const number = fc.oneof(fc.integer(), fc.double({ noNaN: true, noDefaultInfinity: true }), int64);
    const { value } = fc.letrec((tie) => ({
      value: fc.oneof(
        { maxDepth: 4 },
        { weight: 5, arbitrary: string },
        number,
        fc.constantFrom(true, false, null),
        fc.array(tie('value'), { maxLength: 4 }),
        fc.dictionary(string, tie('value'), { maxKeys: 4 }),
      ),
    }));
    fc.assert(
      fc.property(fc.dictionary(string, value, { minKeys: 1, maxKeys: 3 }), (object) => {
        expect(findDifference(parseJson(formatJson(object)) as JsonValue)).toBeUndefined();
      }),
      { numRuns: 150 },
    );
  });

  it('leaves plain text unquoted and lines as lines', () => {
    const value = {
      reason: 'it is Norway, 10 % of all',
      path: '/a/b',
      lines: 'a\nb: c\n',
      size: 2n ** 63n - 1n,
      large: 1e21,
    };
    expect(formatYaml(value)).toBe(
      'reason: it is Norway, 10 % of all\npath: /a/b\nlines: |\n  a\n  b: c\nsize: 9223372036854775807\nlarge: 1.0e+21\n',
    );
  });

  it('quotes words that any version of YAML reads as another type, also as keys', () => {
    const words = [
      'yes',
      'Off',
      'n',
      '~',
      '1:30',
      '2026-01-01',
      '0o17',
      '017',
      '1_000',
      '0b1',
      '.inf',
      '1e3',
      '=',
      '<<',
      '',
    ];
    const lines = formatYaml(Object.fromEntries(words.map((word) => [`${word}`, word])))
      .trimEnd()
      .split('\n');
    expect(lines.sort()).toEqual(words.map((word) => `"${word}": "${word}"`).sort());
  });

  it('quotes every string if asked', () => {
    expect(formatYaml({ a: ['b', 1] }, { isQuoted: true })).toBe('"a":\n  - "b"\n  - 1\n');
  });

  /** Returns what a parser reads instead of a value. */
  function findDifference(value: JsonValue): unknown {
    for (const isQuoted of [false, true]) {
      const text = formatYaml(value, { isQuoted });
      const byKubectl = readTextOf(text).documents.map((document) => document.fault?.message ?? document.value);
      const byCore = narrowIntegers(parse(text, { intAsBigInt: true, uniqueKeys: false }));
      if (!jsonEquals(byKubectl as JsonValue, [value])) return { text, byKubectl };
      if (!jsonEquals(byCore as JsonValue, value)) return { text, byCore };
    }
    return undefined;
  }
});
