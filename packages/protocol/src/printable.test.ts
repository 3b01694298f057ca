import { expect, it } from 'vitest';
import { isPrintable, printable, printableJson, printableLines, printableOutput } from './printable.ts';

it.each([
  ['a line break, as of a fake log line', 'ok\n[12:00:00] INFO: fake', 'ok [12:00:00] INFO: fake'],
  ['a carriage return', 'failed\r\u2028ok', 'failed ok'],
  ['a sequence of colours and of the cursor', '\u001b[31mred\u001b[2J', '\\u001b[31mred\\u001b[2J'],
  ['a link (OSC 8)', '\u001b]8;;http://evil\u0007here', '\\u001b]8;;http://evil\\u0007here'],
  ['a change of the clipboard (OSC 52)', '\u001b]52;c;eA==\u001b\\', '\\u001b]52;c;eA==\\u001b\\'],
  ['a C1 control character', '\u009b31m', '\\u009b31m'],
  ['a change of direction', 'exe\u202egpj', 'exe\\u202egpj'],
  ['an isolate', '\u2066a\u2069', '\\u2066a\\u2069'],
  ['a character without width', 'Post\u200bgreSQL\ufeff', 'Post\\u200bgreSQL\\ufeff'],
  ['a filler', 'a\u3164b', 'a\\u3164b'],
  ['a tag of the plane 14', 'a\u{e0041}', 'a\\u{e0041}'],
  ['half of a surrogate pair', 'a\ud800b', 'a\\ud800b'],
  ['a null character', 'a\0b', 'a\\u0000b'],
])('shows %s', (_, text, expected) => {
  expect(printable(text)).toBe(expected);
  expect(printable(expected)).toBe(expected);
  expect(isPrintable(text)).toBe(false);
  expect(isPrintable(expected)).toBe(true);
});

it.each(['PostgreSQL 1.0.0', 'naïve 数据库 ❤️ 🇨🇭', ''])('leaves %j as it is', (text) => {
  expect(printable(text)).toBe(text);
  expect(isPrintable(text)).toBe(true);
});

it('cuts a text to a length, also when escapes make it longer', () => {
  expect(printable('abcdef', 4)).toBe('abc…');
  expect(printable('\u001b'.repeat(10), 20)).toHaveLength(20);
  expect(printable('ab🇨🇭', 4)).toBe('ab…');
});

it('keeps the lines of a text of several lines', () => {
  expect(printableLines('a\r\n\tb\u001b[0m\n  c')).toBe('a\n  b\\u001b[0m\n  c');
});

it('escapes a JSON text without changing its value', () => {
  const value = { a: '\u009b\u202e\u{e0041}\ud800\n', b: [1, 'é'] };
  const text = printableJson(JSON.stringify(value, undefined, 2));
  expect(JSON.parse(text)).toEqual(value);
  expect(isPrintable(text.replaceAll('\n', ''))).toBe(true);
});

it("keeps the program's own colours only, and only where it has any", () => {
  expect(printableOutput('\u001b[31mred\u001b[39m\n\u001b[8mhidden\u001b[2J', true)).toBe(
    '\u001b[31mred\u001b[39m\n\\u001b[8mhidden\\u001b[2J',
  );
  expect(printableOutput('\u001b[31mred', false)).toBe('\\u001b[31mred');
});
