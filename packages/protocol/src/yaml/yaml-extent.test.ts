import { expect, it } from 'vitest';
import { Lexer } from 'yaml';
import { YamlExtent } from './yaml-extent.ts';

const size = 256 * 1024;

it.each([
  ['flow lists', '['.repeat(size)],
  ['flow mappings', '{a: '.repeat(size / 4)],
  ['lists in lists on one line', '- '.repeat(size / 2)],
  ['keys that are lists', '? '.repeat(size / 2)],
  ['values without a key', ': '.repeat(size / 2)],
  ['mappings on one line', 'a: '.repeat(size / 4)],
  ['flow lists over several lines', '[\n'.repeat(size / 2)],
  ['blocks', Array.from({ length: 200 }, (_, depth) => `${' '.repeat(depth)}a:\n`).join('')],
  [
    'lists in mappings',
    Array.from({ length: 200 }, (_, depth) => `${' '.repeat(depth)}a:\n${' '.repeat(depth)}-\n`).join(''),
  ],
])('refuses nested %s', (_, yaml) => {
  expect(excessOf(yaml)).toBe('The document is nested more than 64 levels deep');
});

it.each([
  ['items', `[${'1,'.repeat(size / 2 - 1)}]`],
  ['keys', Array.from({ length: size / 8 }, (_, index) => `k${index}:`).join('\n')],
  ['anchors', '&a '.repeat(size / 3)],
  ['empty lines', '\n'.repeat(size)],
])('refuses too many %s', (_, yaml) => {
  expect(excessOf(yaml)).toBe('The document has more than 50,000 YAML tokens');
});

it.each([
  ['brackets in texts', code()],
  [
    'many items',
    Array.from({ length: 1_000 }, (_, index) => `- name: n${index}\n  items: [{ a: 1 }, { b: [2] }]`).join('\n'),
  ],
  ['blocks of the largest depth', Array.from({ length: 64 }, (_, depth) => `${' '.repeat(depth)}a:\n`).join('')],
  ['many blocks that begin and end', `${' - a:\n    b:\n      - c\n'.repeat(500)}`],
  ['lists of the largest depth on one line', `${'- '.repeat(64)}a`],
  ['brackets that an error closes', 'a: [[[[\nb: 1\n'.repeat(100)],
  ['many documents', 'a: [1, 2, 3]\n---\n'.repeat(20_000)],
])('accepts %s', (_, yaml) => {
  expect(excessOf(yaml)).toBeUndefined();
});

function code(): string {
  const text = 'if (a[b[c[d[0]]]]) {'.repeat(100);
  return `plain: x${text}\nquoted: "${text}"\nblock: |\n  ${text}\n`;
}

function excessOf(yaml: string): string | undefined {
  const extent = new YamlExtent({ maxTokens: 50_000, maxDepth: 64 });
  for (const token of new Lexer().lex(yaml)) {
    const excess = extent.add(token);
    if (excess !== undefined) return excess;
  }
  return undefined;
}
