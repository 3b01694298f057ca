import picocolors from 'picocolors';
import { expect, it } from 'vitest';
import { GrowingTable } from './growing-table.ts';

const colors = picocolors.createColors(false);
const header = ['NAME', 'STATE', 'MESSAGE'];

it('prints the header once, and aligns later rows with earlier ones', () => {
  const table = new GrowingTable(colors);
  expect(table.add({ header, rows: [] })).toEqual([]);
  expect(table.add({ header, rows: [['a long name', 'ok', 'a very long message']] })).toEqual([
    'NAME          STATE   MESSAGE',
    'a long name   ok      a very long message',
  ]);
  expect(
    table.add({
      header,
      rows: [
        ['b', 'failed', 'no'],
        ['c', '', 'yes'],
      ],
    }),
  ).toEqual(['b             failed   no', 'c             -        yes']);
});

it('counts colours as no width', () => {
  const red = picocolors.createColors(true).red;
  const table = new GrowingTable(picocolors.createColors(true));
  table.add({ header, rows: [['a', red('failed'), 'no']] });
  expect(table.add({ header, rows: [['b', 'ok', 'yes']] })).toEqual(['b      ok       yes']);
});
