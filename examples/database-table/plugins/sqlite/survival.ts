import { isUtf8 } from 'node:buffer';
import type { DatabaseSync, SQLOutputValue } from 'node:sqlite';
import { doesNotFit, type Misfit, maxShownLength } from '../../misfits.ts';
import { type Change, formerName } from '../../plan.ts';
import type { Layout } from '../../table.ts';
import { quote } from './database.ts';

/**
 * Checks that all rows keep their values: converts each value to the new type and back, and compares. Must be called in the
 * transaction of the changes, before them. Throws a terminal error that names the first row of each column that doesn't keep its value.
 */
export function checkSurvival(db: DatabaseSync, table: string, actual: Layout, changes: Change[]): void {
  db.function('kplug_is_text', { deterministic: true }, (bytes) =>
    Number(bytes instanceof Uint8Array && isText(bytes)),
  );
  const misfits = changes.flatMap((change) => {
    if (change.kind === 'changeType') {
      const { name, source, from, type: to } = change;
      const lost = `NOT (${keeps(quote(source), to)})`;
      return findMisfits(db, table, actual, { column: name, source, change: { from, to } }, lost);
    }
    if (change.kind !== 'changePrimaryKey') return [];
    return change.to.flatMap((column) => {
      const source = formerName(column, changes);
      // SQLite would number the rows if the column is an integer.
      const missing = source === undefined ? 'true' : `${quote(source)} IS NULL`;
      return findMisfits(db, table, actual, { column, source: source ?? column, change: 'key' }, missing);
    });
  });
  if (misfits.length > 0) throw doesNotFit(table, misfits);
}

/** Counts the values of the columns to drop that are not NULL. */
export function countDropped(db: DatabaseSync, table: string, changes: Change[]): Change[] {
  return changes.map((change) =>
    change.kind === 'dropColumn'
      ? { ...change, values: count(db, table, `${quote(change.name)} IS NOT NULL`) }
      : change,
  );
}

/** Expression for the value of a column in a new type. */
export function newValue(value: string, type: string): string {
  switch (type) {
    case 'INTEGER':
      return `CASE WHEN typeof(${value}) IN ('real', 'text') THEN CAST(${value} AS INTEGER) ELSE ${value} END`;
    case 'REAL':
      return `CASE WHEN typeof(${value}) IN ('integer', 'text') THEN CAST(${value} AS REAL) ELSE ${value} END`;
    case 'TEXT':
      return `CASE WHEN typeof(${value}) = 'real' THEN ${textOfReal(value)}
        WHEN typeof(${value}) IN ('integer', 'blob') THEN CAST(${value} AS TEXT) ELSE ${value} END`;
    case 'BLOB':
      return `CASE WHEN typeof(${value}) = 'text' THEN CAST(${value} AS BLOB) ELSE ${value} END`;
    default:
      return value;
  }
}

/** Condition that a value is equal after its conversion to a new type and back. */
function keeps(value: string, type: string): string {
  const asInteger = `CAST(${value} AS INTEGER)`;
  const asReal = `CAST(${value} AS REAL)`;
  // SQLite converts numbers beyond the limits of an integer to the closest one.
  const equalReal = (real: string, integer: string) =>
    `(CAST(${integer} AS REAL) = ${real} AND ${real} < 9223372036854775808.0)`;
  const conditions: Record<string, Record<string, string>> = {
    INTEGER: {
      integer: 'true',
      real: `${equalReal(value, asInteger)} AND CAST(${value} AS TEXT) <> '-0.0'`,
      text: `CAST(${asInteger} AS TEXT) = ${value} COLLATE BINARY`,
    },
    REAL: {
      integer: `CAST(${asReal} AS INTEGER) = ${value} AND ${asReal} < 9223372036854775808.0`,
      real: 'true',
      text: `${textOfReal(asReal)} = ${value} COLLATE BINARY`,
    },
    TEXT: {
      integer: 'true',
      real: `CAST(${textOfReal(value)} AS REAL) = ${value}`,
      text: 'true',
      blob: `kplug_is_text(${value})`,
    },
    BLOB: { text: 'true', blob: 'true' },
  };
  const cases = Object.entries(conditions[type] ?? {}).map(([from, condition]) => `WHEN '${from}' THEN ${condition}`);
  return `CASE typeof(${value}) WHEN 'null' THEN true ${cases.join(' ')} ELSE false END`;
}

/** Shortest text of a float that is exact. */
function textOfReal(value: string): string {
  const short = `CAST(${value} AS TEXT)`;
  return `CASE WHEN CAST(${short} AS REAL) = ${value} THEN ${short} ELSE printf('%!.17g', ${value}) END`;
}

/** Reports whether bytes are text that every client reads: many stop at a NUL character. */
function isText(bytes: Uint8Array): boolean {
  return isUtf8(bytes) && !bytes.includes(0);
}

function findMisfits(
  db: DatabaseSync,
  table: string,
  actual: Layout,
  { column, source, change }: Pick<Misfit, 'column' | 'source' | 'change'>,
  condition: string,
): Misfit[] {
  const rows = count(db, table, condition);
  if (rows === 0) return [];
  const values =
    change === 'key' ? ['NULL', 'NULL'] : [shown(quote(source)), shown(newValue(quote(source), change.to))];
  const keys = actual.primaryKey.map((name, index) => `, ${shown(quote(name))} AS key${index}`).join('');
  const order = actual.primaryKey.length > 0 ? `ORDER BY ${actual.primaryKey.map(quote).join(', ')}` : '';
  const first = db
    .prepare(
      `SELECT ${values[0]} AS value, ${values[1]} AS becomes${keys} FROM main.${quote(table)}
        WHERE ${condition} ${order} LIMIT 1`,
    )
    .get();
  const key = actual.primaryKey.map((name, index): [string, string] => [name, String(first?.[`key${index}`])]);
  const [value, becomes] = [textOf(first?.value), textOf(first?.becomes)];
  return [{ column, source, change, rows, total: count(db, table, 'true'), first: { key, value, becomes } }];
}

function textOf(value: SQLOutputValue | undefined): string | null {
  return value === null || value === undefined ? null : String(value);
}

function count(db: DatabaseSync, table: string, condition: string): number {
  return Number(db.prepare(`SELECT count(*) AS rows FROM main.${quote(table)} WHERE ${condition}`).get()?.rows);
}

/** Start of a value as text. */
function shown(value: string): string {
  const start = `substr(${value}, 1, ${maxShownLength + 1})`;
  return `CASE typeof(${value}) WHEN 'blob' THEN '\\x' || lower(hex(${start})) ELSE CAST(${start} AS TEXT) END`;
}
