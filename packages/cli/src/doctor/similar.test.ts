import { describe, expect, it } from 'vitest';
import { similarTo } from './similar.ts';

describe('a name is similar to another', () => {
  it.each([
    ['DatabaseTables', ['DatabaseTable']],
    ['databasetable', ['DatabaseTable']],
    ['DatabaesTable', ['DatabaseTable']],
    ['DatabaseTalbe', ['DatabaseTable']],
    ['Tabel', ['Table']],
    ['Tables', ['Table']],
    ['View', []],
    ['DatabaseTable', []],
  ])('%s: %j', (name, expected) => {
    expect(similarTo(name, ['DatabaseTable', 'Table', 'Queue', 'DatabaseTable'])).toEqual(expected);
  });

  it('the most similar first', () => {
    expect(similarTo('Database', ['Databases', 'database', 'Datebasse'])).toEqual([
      'database',
      'Databases',
      'Datebasse',
    ]);
  });
});
