import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { formatJson, parseJson } from '@kplug/protocol';
import { describe, expect, it } from 'vitest';
import { jsonEquals } from '../json.ts';
import type { JsonValue } from '../resource.ts';
import { readTextOf } from './testing.ts';

/** Text, JSON of the documents that `kubectl` reads from it or `null`, and the error of `kubectl`. `tools/kubectl-yaml` writes the table. */
type Row = [text: string, documents: string | null, error?: string];

const rows = readFileSync(join(import.meta.dirname, 'kubectl-table.jsonl'), 'utf8')
  .trimEnd()
  .split('\n')
  .map((line) => JSON.parse(line) as Row);

/** Texts that are refused although `kubectl` accepts them, with the reason. */
const stricter: readonly [RegExp, RegExp][] = [
  // Part of the text is lost without a warning.
  [/a: (b|1)\n"?a"?: |a"?: 1, "?a/, /must be unique/],
  [/\n\.\.\.\nb: 2/, /Content after \.\.\./],
  // Line breaks of YAML 1.1 and byte order marks within the text.
  [/[\u0085\u2028\ufeff]|\r(?!\n)/, /The character U\+/],
  // Texts that YAML 1.2 reads in another way.
  [/[[{]\?a/, /begins with \? must be in quotes/],
  [/\[a:\]/, /colon after a key/],
  [/v: \|2\n {3}/, /nothing but spaces/],
  // Texts that are invalid in YAML 1.2.
  [/v: \[-\]/, /Block collections/],
  [/^a\n: b/, /map-value-ind/],
  [/\}# comment/, /Comments must be separated/],
];

/** Texts that are accepted although `kubectl` refuses them; their meaning is clear. */
const lenient: readonly RegExp[] = [
  /"\\\/"/,
  /"\\ud83d\\ude00"/,
  /\[!a?\]/,
  /http:\/\/a:80\/\?b=c/,
  /&a\.b/,
  /^\.\.\.\n$/,
  /\n\t\n/,
  /^\{k{1100}: 1\}/,
];

describe('readKubectlYaml', () => {
  it('reads each text of the table as kubectl does', () => {
    expect(rows.length).toBeGreaterThan(1_400);
    const differing = rows.flatMap(([text, documents, error]) => {
      const { values, fault } = read(text);
      if (documents === null) {
        const isFine = fault !== undefined || lenient.some((pattern) => pattern.test(text));
        return isFine ? [] : [`${JSON.stringify(text)} is refused by kubectl: ${error}`];
      }
      if (fault) {
        const isKnown = stricter.some(([pattern, message]) => pattern.test(text) && message.test(fault.message));
        return isKnown ? [] : [`${JSON.stringify(text)} is refused: ${fault.message}`];
      }
      const isSame = jsonEquals(values, parseJson(documents) as JsonValue);
      return isSame ? [] : [`${JSON.stringify(text)} is ${formatJson(values)} instead of ${documents}`];
    });
    expect(differing).toEqual([]);
  });

  it('accepts and refuses nothing else than kubectl but what the lists of exceptions say', () => {
    const matching = (pattern: RegExp) =>
      rows.filter(([text]) => pattern.test(text)).map(([text, documents]) => ({ text, documents }));
    for (const pattern of lenient) {
      const accepted = matching(pattern).filter(({ text, documents }) => documents === null && !read(text).fault);
      expect(accepted, String(pattern)).not.toEqual([]);
    }
    for (const [pattern] of stricter) {
      const refused = matching(pattern).filter(({ text, documents }) => documents !== null && read(text).fault);
      expect(refused, String(pattern)).not.toEqual([]);
    }
  });

  it.each([
    ['a duplicate key in other words', 'a:\n  yes: 1\n  "true": 2\n', 3, '"true" occurs twice'],
    ['a number that JSON lacks', 'a: 1\nb: [.inf]\n', 2, '.inf is not a number that JSON has'],
    ['a value that is not of its tag', 'a: 1\nb: !!int x\n', 2, '"x" is not a value for the tag !!int'],
    ['a merge of no mapping', 'a: 1\nb:\n  <<: 1\n', 3, 'must be a mapping'],
    ['a directive', '# comment\n%YAML 1.2\n---\na: 1\n', 2, 'Directives'],
    ['text after a separator', 'a: 1\n--- # fine\nb: 1\n--- c: 1\n', 4, 'Only a comment may follow ---'],
    ['content that kubectl ignores', 'a: 1\n...\n# comment\n\nb: 2\n', 5, 'begin the next document with ---'],
    ['a control character', 'a: 1\nb: "\u0007"\n', 2, 'U+0007 is not allowed; write it as "\\u0007" in double quotes'],
    ['an unfinished list in the last line', 'a: [\n', 1, 'Flow sequence'],
    ['an unfinished anchor', 'a: &x\n  b: *x\n', 2, 'contains itself'],
    ['a number of JSON that is out of range', '{"a": 1e400}', 1, 'the number 1e400 is out of range'],
  ])('refuses %s with its position', (_, text, line, message) => {
    const { documents, lines } = readTextOf(text);
    const fault = documents.find((document) => document.fault)?.fault ?? expect.fail('no fault');
    expect(fault.message).toContain(message);
    expect(lines.linePos(fault.offset).line).toBe(line);
  });

  it('reads the documents before a fault', () => {
    const { documents } = readTextOf('a: 1\n---\nb: 2\n--- c: 3\n');
    expect(documents.map(({ value, fault }) => value ?? fault?.message)).toEqual([
      { a: 1 },
      { b: 2 },
      'Only a comment may follow --- in its line',
    ]);
  });

  it('reads a JSON object as JSON, with the positions of its parts', () => {
    const { documents } = readTextOf(
      '{"a": "\u2028", "b": 9223372036854775807,\n\t"c": 1.5e3, "d": "\\/\\ud83d\\ude00"}',
    );
    expect(documents.map(({ value }) => value)).toEqual([
      { a: '\u2028', b: 9223372036854775807n, c: 1500, d: '/\u{1f600}' },
    ]);
  });

  function read(text: string) {
    const { documents } = readTextOf(text);
    const fault = documents.find((document) => document.fault)?.fault;
    return { values: documents.map(({ value }) => value) as JsonValue[], fault };
  }
});
