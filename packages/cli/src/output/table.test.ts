import picocolors from 'picocolors';
import { expect, it } from 'vitest';
import { formatTable, plain } from './table.ts';

const rows = [
  ['users', 'True', ''],
  ['a-much-longer-name', 'False', '3'],
];

const expected = `NAME                 READY   GENERATION
users                True    -
a-much-longer-name   False   3`;

it('a table has aligned columns, no borders, and a dash for empty cells', () => {
  const header = ['NAME', 'READY', 'GENERATION'];
  expect(formatTable({ header, rows }, picocolors.createColors(false))).toBe(expected);
});

it('colours do not change widths', () => {
  const colors = picocolors.createColors(true);
  const header = ['NAME', 'READY', 'GENERATION'];
  const [users = [], ...others] = rows;
  const colored = [[users[0] ?? '', colors.green('True'), ''], ...others];
  const esc = String.fromCharCode(27);
  const table = formatTable({ header, rows: colored }, colors);
  expect(table).toContain(`${esc}[32mTrue${esc}[39m`);
  expect(table.replaceAll(new RegExp(`${esc}\\[\\d+m`, 'g'), '')).toBe(expected);
});

it('untrusted text cannot break a line or colour it', () => {
  expect(plain('one\ntwo\t\u001b[31mred\u0007')).toBe('one two \\u001b[31mred\\u0007');
});

it('characters of double width do not break the columns', () => {
  const header = ['NAME', 'READY'];
  const table = formatTable(
    {
      header,
      rows: [
        ['数据库', 'True'],
        ['ab', 'False'],
      ],
    },
    picocolors.createColors(false),
  );
  expect(table.split('\n')).toEqual(['NAME     READY', '数据库   True', 'ab       False']);
});

it('a cell that was not made printable does not reach the terminal as it is', () => {
  const rows = [['\u001b]8;;http://evil\u0007here', 'a\u202eb']];
  const table = formatTable({ header: ['A', 'B'], rows }, picocolors.createColors(true));
  expect(table).toContain('\\u001b]8;;http://evil\\u0007here   a\\u202eb');
});
