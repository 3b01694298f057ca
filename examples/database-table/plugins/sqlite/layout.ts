import type { DatabaseSync, SQLOutputValue } from 'node:sqlite';
import { terminal } from '@kplug/sdk';
import type { ColumnTypes } from '../../column-types.ts';
import type { Change } from '../../plan.ts';
import type { Column, Layout } from '../../table.ts';
import { quote } from './database.ts';

/** Types of SQLite. Several types of `DatabaseTable` have the same one, and can be changed into each other without a conversion. */
export const sqliteTypes: ColumnTypes = {
  // Up to 2⁶³ − 1. A strict table rejects larger values.
  uint64: 'INTEGER',
  int64: 'INTEGER',
  int32: 'INTEGER',
  float64: 'REAL',
  string: 'TEXT',
  bytes: 'BLOB',
  bool: 'INTEGER',
  timestamp: 'TEXT',
  json: 'TEXT',
  uuid: 'TEXT',
  decimal: () => 'TEXT',
};

// Name of a temporary table. It can't be the name of a resource, as those have no underscore.
const kept = 'kplug_kept';

/** Reads the actual layout of a table; `undefined` if it does not exist. */
export function readLayout(db: DatabaseSync, table: string): Layout | undefined {
  const [found] = all(db, `SELECT type, strict, wr FROM pragma_table_list(?) WHERE schema = 'main'`, table);
  if (!found) return undefined;
  if (found.type !== 'table') {
    throw terminal(`"${table}" exists in SQLite, but is not a table. Rename it, or the resource.`, {
      reason: 'NameTaken',
    });
  }
  const columns = all(db, `SELECT name, type, pk FROM pragma_table_xinfo(?, 'main') ORDER BY cid`, table);
  const key = columns.filter(({ pk }) => Number(pk) > 0).sort((a, b) => Number(a.pk) - Number(b.pk));
  return {
    columns: columns.map(({ name, type }) => ({ name: String(name), type: String(type).toUpperCase() })),
    primaryKey: key.map(({ name }) => String(name)),
    options: { strict: found.strict === 1, withoutRowId: found.wr === 1 },
  };
}

/** Creates the table. */
export function createTable(db: DatabaseSync, table: string, { columns, primaryKey, options }: Layout): void {
  const definitions = columns.map(
    ({ name, type }) => `${quote(name)} ${type}${primaryKey.includes(name) ? ' NOT NULL' : ''}`,
  );
  const key = `PRIMARY KEY (${primaryKey.map(quote).join(', ')})`;
  const suffix = [...(options.strict ? ['STRICT'] : []), ...(options.withoutRowId ? ['WITHOUT ROWID'] : [])];
  db.exec(`CREATE TABLE main.${quote(table)} (${[...definitions, key].join(', ')}) ${suffix.join(', ')}`);
}

/** Makes the changes to the `wanted` layout. Must be called in a transaction. */
export function alterTable(db: DatabaseSync, table: string, wanted: Layout, changes: Change[]): void {
  if (changes.every(({ kind }) => kind === 'addColumn')) {
    for (const change of changes) {
      if (change.kind !== 'addColumn') continue;
      db.exec(`ALTER TABLE main.${quote(table)} ADD COLUMN ${quote(change.name)} ${change.type}`);
    }
  } else rebuild(db, table, wanted, changes);
}

/** Reads the number of rows and the size of a table. */
export function measure(db: DatabaseSync, table: string) {
  const [counted] = all(db, `SELECT count(*) AS rows FROM main.${quote(table)}`);
  const [sized] = all(
    db,
    `SELECT coalesce(sum(pgsize), 0) AS sizeBytes FROM dbstat
      WHERE schema = 'main' AND name IN (SELECT name FROM main.sqlite_schema WHERE tbl_name = ?)`,
    table,
  );
  return { rows: Number(counted?.rows), sizeBytes: Number(sized?.sizeBytes) };
}

/** Replaces a table by a new one with its rows, indexes and triggers, for changes that ALTER TABLE doesn't support. */
function rebuild(db: DatabaseSync, table: string, wanted: Layout, changes: Change[]): void {
  const isNew = (name: string) => changes.some((change) => change.kind === 'addColumn' && change.name === name);
  const names = wanted.columns.filter(({ name }) => !isNew(name)).map(({ name }) => quote(name));
  const belongings = all(
    db,
    `SELECT sql FROM main.sqlite_schema WHERE tbl_name = ? AND type IN ('index', 'trigger') AND sql IS NOT NULL`,
    table,
  );
  db.exec(`CREATE TEMPORARY TABLE ${kept} AS SELECT * FROM main.${quote(table)}`);
  db.exec(`DROP TABLE main.${quote(table)}`);
  createTable(db, table, wanted);
  if (names.length > 0) db.exec(`INSERT INTO main.${quote(table)} (${names}) SELECT ${names} FROM temp.${kept}`);
  for (const { sql } of belongings) db.exec(String(sql));
  for (const change of changes) if (change.kind === 'changeType') checkType(db, table, change);
}

/** Fails if a value was not converted to the new type of its column, as a table that is not strict accepts any value. */
function checkType(db: DatabaseSync, table: string, { name, type }: Column): void {
  const [unconverted] = all(
    db,
    `SELECT quote(${quote(name)}) AS value FROM main.${quote(table)}
      WHERE typeof(${quote(name)}) NOT IN (?, 'null') LIMIT 1`,
    type.toLowerCase(),
  );
  if (unconverted) {
    throw terminal(
      `Column "${name}" can't be converted to ${type}, as it has the value ${unconverted.value}. Nothing was changed. ` +
        'Correct the data or the columns, then edit this resource.',
      { reason: 'DataDoesNotFit' },
    );
  }
}

function all(db: DatabaseSync, sql: string, ...values: string[]): Record<string, SQLOutputValue>[] {
  return db.prepare(sql).all(...values);
}
