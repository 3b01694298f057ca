import type { DatabaseSync, SQLOutputValue } from 'node:sqlite';
import { terminal } from '@kplug/sdk';
import type { ColumnTypes } from '../../column-types.ts';
import { type Change, isRecordedWith } from '../../plan.ts';
import type { Layout } from '../../table.ts';
import { quote } from './database.ts';
import { newValue } from './survival.ts';

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
  const [found] = all(
    db,
    `SELECT l.type, l.strict, l.wr, s.sql FROM pragma_table_list(?) l LEFT JOIN main.sqlite_schema s
         ON s.type = 'table' AND s.name = l.name COLLATE NOCASE WHERE l.schema = 'main'`,
    table,
  );
  if (!found) return undefined;
  if (found.type !== 'table') {
    throw terminal(`"${table}" exists in SQLite, but is not a table. Rename it, or the resource.`, {
      reason: 'NameTaken',
    });
  }
  const columns = all(db, `SELECT name, type, pk FROM pragma_table_xinfo(?, 'main') ORDER BY cid`, table);
  const key = columns.filter(({ pk }) => Number(pk) > 0).sort((a, b) => Number(a.pk) - Number(b.pk));
  const renames = recordedRenames(String(found.sql));
  return {
    columns: columns.map((column) => {
      const [name, type] = [String(column.name), String(column.type).toUpperCase()];
      const renamedFrom = renames.get(name);
      return renamedFrom === undefined ? { name, type } : { name, type, renamedFrom };
    }),
    primaryKey: key.map(({ name }) => String(name)),
    options: { strict: found.strict === 1, withoutRowId: found.wr === 1 },
  };
}

/** Creates the table. */
export function createTable(db: DatabaseSync, table: string, { columns, primaryKey, options }: Layout): void {
  const definitions = columns.map(
    ({ name, type, renamedFrom }) =>
      `${quote(name)} ${type}${primaryKey.includes(name) ? ' NOT NULL' : ''}${recordOf(name, renamedFrom)}`,
  );
  const key = `PRIMARY KEY (${primaryKey.map(quote).join(', ')})`;
  const suffix = [...(options.strict ? ['STRICT'] : []), ...(options.withoutRowId ? ['WITHOUT ROWID'] : [])];
  db.exec(`CREATE TABLE main.${quote(table)} (${[...definitions, key].join(', ')}) ${suffix.join(', ')}`);
}

/** Makes the changes to the `wanted` layout. Must be called in a transaction, after `checkSurvival`. */
export function alterTable(db: DatabaseSync, table: string, wanted: Layout, changes: Change[]): void {
  renameColumns(db, table, changes);
  const isSimple = (change: Change): boolean =>
    (change.kind === 'addColumn' || change.kind === 'renameColumn') && !isRecordedWith(change);
  if (!changes.every(isSimple)) {
    rebuild(db, table, wanted, changes);
    return;
  }
  for (const change of changes) {
    if (change.kind !== 'addColumn') continue;
    db.exec(`ALTER TABLE main.${quote(table)} ADD COLUMN ${quote(change.name)} ${change.type}`);
  }
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
  const isConverted = (name: string) => changes.some((change) => change.kind === 'changeType' && change.name === name);
  const remaining = wanted.columns.filter(({ name }) => !isNew(name));
  const names = remaining.map(({ name }) => quote(name));
  const values = remaining.map(({ name, type }) => (isConverted(name) ? newValue(quote(name), type) : quote(name)));
  const belongings = all(
    db,
    `SELECT sql FROM main.sqlite_schema WHERE tbl_name = ? AND type IN ('index', 'trigger') AND sql IS NOT NULL`,
    table,
  );
  db.exec(`CREATE TEMPORARY TABLE ${kept} AS SELECT * FROM main.${quote(table)}`);
  db.exec(`DROP TABLE main.${quote(table)}`);
  createTable(db, table, wanted);
  if (names.length > 0) db.exec(`INSERT INTO main.${quote(table)} (${names}) SELECT ${values} FROM temp.${kept}`);
  for (const { sql } of belongings) db.exec(String(sql));
}

/** Renames columns, also in the indexes, triggers and views of other clients. */
function renameColumns(db: DatabaseSync, table: string, changes: Change[]): void {
  const renames = changes.flatMap((change) => (change.kind === 'renameColumn' ? [change] : []));
  const rename = (from: string, to: string) =>
    db.exec(`ALTER TABLE main.${quote(table)} RENAME COLUMN ${quote(from)} TO ${quote(to)}`);
  // A name may become free only by another rename. Names of `DatabaseTable` have no control characters.
  const temporaryName = (index: number) => `kplug\t${index}`;
  for (const [index, { from }] of renames.entries()) rename(from, temporaryName(index));
  for (const [index, { name }] of renames.entries()) rename(temporaryName(index), name);
}

/** Comment that records the rename of a column. SQLite keeps the text of CREATE TABLE. */
function recordOf(name: string, renamedFrom: string | undefined): string {
  // Encoded names can't end the comment.
  return renamedFrom === undefined
    ? ''
    : ` /* kplug: ${encodeURIComponent(name)} renamed from ${encodeURIComponent(renamedFrom)} */`;
}

function recordedRenames(sql: string): Map<string, string> {
  const records = sql.matchAll(/\/\* kplug: (\S+) renamed from (\S+) \*\//g);
  return new Map([...records].map(([, name = '', from = '']) => [decodeURIComponent(name), decodeURIComponent(from)]));
}

function all(db: DatabaseSync, sql: string, ...values: string[]): Record<string, SQLOutputValue>[] {
  return db.prepare(sql).all(...values);
}
