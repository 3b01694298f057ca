import { expect, it } from 'vitest';
import { toDatabaseColumns } from './column-types.ts';
import { mariaDbTypes } from './plugins/mariadb/layout.ts';

const convert = (type: string) => toDatabaseColumns([{ name: 'a', type }], mariaDbTypes, 'MariaDB')[0].type;

it('converts types to those of the database', () => {
  expect(convert('uint64')).toBe('bigint(20) unsigned');
  expect(convert('decimal(12,2)')).toBe('decimal(12,2)');
  expect(convert('decimal(38, 38)')).toBe('decimal(38,38)');
});

it.each([
  'Uint64',
  'decimal',
  'decimal(0,0)',
  'decimal(39,2)',
  'decimal(2,3)',
  'decimal(-1,0)',
  'toString',
  '__proto__',
])('rejects %s', (type) => {
  expect(() => convert(type)).toThrow(
    `MariaDB can't create this table: column "a" has the type "${type}". Supported types: uint64, int64, int32,`,
  );
});
