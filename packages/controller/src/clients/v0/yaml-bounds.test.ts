import { expect, it } from 'vitest';
import { findYamlExcess } from './yaml-bounds.ts';

const size = 256 * 1024;

it.each([
  ['flow lists', '['.repeat(size)],
  ['flow mappings', '{a: '.repeat(size / 4)],
  ['lists in lists on one line', '- '.repeat(size / 2)],
  ['keys that are lists', '? '.repeat(size / 2)],
  ['flow lists over several lines', '[\n'.repeat(size / 2)],
])('refuses nested %s', (_, yaml) => {
  expect(findYamlExcess(yaml, size)).toBe('is nested more than 64 levels deep');
});

it.each([
  ['items', `[${'1,'.repeat(size / 2 - 1)}]`],
  [
    'keys',
    Array.from({ length: size / 8 }, (_, index) => `k${index}:`)
      .join('\n')
      .slice(0, size),
  ],
  ['anchors', '&a '.repeat(size / 3)],
  ['empty lines', '\n'.repeat(size)],
])('refuses too many %s', (_, yaml) => {
  expect(findYamlExcess(yaml, size)).toBe('has more than 50,000 YAML tokens');
});

it('refuses a text that is too large, in bytes', () => {
  expect(findYamlExcess(`a: ${'ä'.repeat(600)}`, 1_024)).toBe('has 1,203 bytes; at most 1,024 are allowed');
});

it('accepts brackets in texts, and nesting by indentation', () => {
  const code = 'if (a[b[c[d[0]]]]) {'.repeat(100);
  expect(findYamlExcess(`plain: x${code}\nquoted: "${code}"\nblock: |\n  ${code}\n`, size)).toBeUndefined();
  const list = Array.from({ length: 1_000 }, (_, index) => `- name: n${index}\n  items: [{ a: 1 }, { b: [2] }]`);
  expect(findYamlExcess(list.join('\n'), size)).toBeUndefined();
});
