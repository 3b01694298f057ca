import pg from 'pg';
import { doesNotFit, type Misfit, maxShownLength } from '../../misfits.ts';
import { type Change, formerName } from '../../plan.ts';
import { findColumn } from '../../renames.ts';
import type { Layout } from '../../table.ts';
import { conversion, equality, type TypeChange } from './conversions.ts';

const { escapeIdentifier: quote } = pg;

/**
 * Checks that all rows keep their values: converts each value to the new type and back, and compares. Must be called in the
 * transaction of the changes, before them, with the table locked. Throws a terminal error that names the first row of each column that
 * doesn't keep its value.
 */
export async function checkSurvival(db: pg.Client, table: string, actual: Layout, changes: Change[]): Promise<void> {
  const misfits: Misfit[] = [];
  for (const change of changes) {
    if (change.kind === 'changeType') misfits.push(...(await checkType(db, table, actual, change)));
    if (change.kind === 'changePrimaryKey') misfits.push(...(await checkKey(db, table, actual, change.to, changes)));
  }
  if (misfits.length > 0) throw doesNotFit(table, misfits);
}

/** Counts the values of the columns to drop that are not NULL. */
export async function countDropped(db: pg.Client, table: string, changes: Change[]): Promise<Change[]> {
  const counted: Change[] = [];
  for (const change of changes) {
    if (change.kind !== 'dropColumn') counted.push(change);
    else counted.push({ ...change, values: await count(db, table, `${quote(change.name)} IS NOT NULL`) });
  }
  return counted;
}

async function checkType(db: pg.Client, table: string, actual: Layout, change: TypeChange): Promise<Misfit[]> {
  const column = quote(change.source);
  const { from, type: to } = change;
  const forward = conversion('value', from, to);
  const back = forward && conversion('converted', to, from);
  const subject = { column: change.name, source: change.source, change: { from, to } };
  if (!forward || !back) return findMisfits(db, table, actual, subject, `${column} IS NOT NULL`);
  // A failed conversion aborts a statement, so functions catch it for each row.
  const declare = (name: string, result: string, body: string) =>
    db.query(
      `CREATE OR REPLACE FUNCTION pg_temp.${name}(value ${from}) RETURNS ${result} LANGUAGE plpgsql AS $kplug$
       DECLARE converted ${to};
       BEGIN converted := ${forward}; ${body}
       EXCEPTION WHEN data_exception OR integrity_constraint_violation OR cannot_coerce OR feature_not_supported THEN
         RETURN NULL;
       END $kplug$`,
    );
  await declare('kplug_keeps', 'boolean', `RETURN ${equality(back, 'value', from)};`);
  await declare('kplug_becomes', 'text', `RETURN ${shown('converted', to)};`);
  const lost = `${column} IS NOT NULL AND pg_temp.kplug_keeps(${column}) IS NOT TRUE`;
  const becomes = `pg_temp.kplug_becomes(${column})`;
  const misfits = await findMisfits(db, table, actual, subject, lost, becomes);
  await db.query(`DROP FUNCTION pg_temp.kplug_keeps; DROP FUNCTION pg_temp.kplug_becomes`);
  return misfits;
}

/** Checks that each row has a value in each column of a new primary key. */
async function checkKey(
  db: pg.Client,
  table: string,
  actual: Layout,
  key: string[],
  changes: Change[],
): Promise<Misfit[]> {
  const misfits: Misfit[] = [];
  for (const name of key) {
    const source = formerName(name, changes);
    const missing = source === undefined ? 'true' : `${quote(source)} IS NULL`;
    misfits.push(
      ...(await findMisfits(db, table, actual, { column: name, source: source ?? name, change: 'key' }, missing)),
    );
  }
  return misfits;
}

async function findMisfits(
  db: pg.Client,
  table: string,
  actual: Layout,
  { column, source, change }: Pick<Misfit, 'column' | 'source' | 'change'>,
  condition: string,
  becomes?: string,
): Promise<Misfit[]> {
  const rows = await count(db, table, condition);
  if (rows === 0) return [];
  const keys = actual.primaryKey.map((name) => shown(quote(name), findColumn(name, actual)?.type ?? ''));
  const value = change === 'key' ? 'NULL' : shown(quote(source), change.from);
  const order = actual.primaryKey.length > 0 ? `ORDER BY ${actual.primaryKey.map(quote).join(', ')}` : '';
  const { rows: found } = await db.query<{ key: string[]; value: string | null; becomes: string | null }>(
    `SELECT ARRAY[${keys.join(', ')}]::text[] AS key, ${value} AS value, ${becomes ?? 'NULL'} AS becomes
       FROM ${quote(table)} WHERE ${condition} ${order} LIMIT 1`,
  );
  const [first] = found;
  if (!first) return [];
  const key = actual.primaryKey.map((name, index): [string, string] => [name, first.key[index] ?? '']);
  const total = await count(db, table, 'true');
  return [{ column, source, change, rows, total, first: { key, value: first.value, becomes: first.becomes } }];
}

async function count(db: pg.Client, table: string, condition: string): Promise<number> {
  const { rows } = await db.query<{ count: number }>(
    `SELECT count(*)::float8 AS count FROM ${quote(table)} WHERE ${condition}`,
  );
  return rows[0]?.count ?? 0;
}

/** Start of a value as text. */
function shown(value: string, type: string): string {
  const length = maxShownLength + 1;
  return type === 'bytea'
    ? `'\\x' || encode(substr(${value}, 1, ${length}), 'hex')`
    : `left((${value})::text, ${length})`;
}
