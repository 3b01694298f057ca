import type { Connection } from 'mariadb';
import { doesNotFit, type Misfit, maxShownLength } from '../../misfits.ts';
import { type Change, formerName } from '../../plan.ts';
import { findColumn } from '../../renames.ts';
import type { Layout } from '../../table.ts';
import { quote } from './connection.ts';
import { equality, shown } from './conversions.ts';
import { columnType, mariaDbTypes } from './layout.ts';

type TypeChange = Extract<Change, { kind: 'changeType' }>;

// Name of a temporary table. It can't be the name of a resource, as those have no underscore.
const copy = 'kplug_copy';

/** Changes that were checked. */
export interface Checked {
  changes: Change[];
  /** Names of the changed columns without a value whose types have no values in common. MariaDB can't convert them. */
  replaced: Set<string>;
}

/**
 * Checks that all rows keep their values: lets MariaDB make the change in a temporary copy, and compares. Must be called with the table
 * locked against writes. Throws a terminal error that names the first row of each column that doesn't keep its value.
 */
export async function checkSurvival(
  db: Connection,
  table: string,
  actual: Layout,
  changes: Change[],
): Promise<Checked> {
  const misfits: Misfit[] = [];
  const replaced = new Set<string>();
  for (const change of changes) {
    if (change.kind === 'changeType') {
      misfits.push(...(await checkType(db, table, actual, change)));
      if (!equality('value', 'converted', change.from, change.type)) replaced.add(change.name);
    } else if (change.kind === 'changePrimaryKey') {
      misfits.push(...(await checkKey(db, table, actual, change.to, changes)));
    }
  }
  if (misfits.length > 0) throw doesNotFit(table, misfits);
  const counted: Change[] = [];
  for (const change of changes) {
    if (change.kind !== 'dropColumn') counted.push(change);
    else counted.push({ ...change, values: await count(db, table, `${quote(change.name)} IS NOT NULL`) });
  }
  return { changes: counted, replaced };
}

async function checkType(db: Connection, table: string, actual: Layout, change: TypeChange): Promise<Misfit[]> {
  const { name, source, from, type: to } = change;
  const column = quote(source);
  const rows = await count(db, table, `${column} IS NOT NULL`);
  if (rows === 0) return [];
  const condition = equality('value', 'converted', from, to);
  if (!condition) {
    const key = await keyOfFirst(db, table, actual, `${column} IS NOT NULL`, shown(column, from, maxShownLength + 1));
    return [{ column: name, source, change: { from, to }, rows, total: await count(db, table, 'true'), first: key }];
  }
  const keys = actual.primaryKey.map((_, index) => `key${index}`);
  const keyColumns = keys.map((key) => `${key} longtext, `).join('');
  await db.query(
    `CREATE TEMPORARY TABLE ${copy} (position bigint AUTO_INCREMENT PRIMARY KEY, ${keyColumns}
       value ${typeOfCopy(from)} NULL, converted ${typeOfCopy(from)} NULL) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin`,
  );
  try {
    const selected = actual.primaryKey.map((name) => shownColumn(name, actual));
    const order = actual.primaryKey.length > 0 ? `ORDER BY ${actual.primaryKey.map(quote).join(', ')}` : '';
    await db.query(
      `INSERT INTO ${copy} (${[...keys, 'value', 'converted'].join(', ')})
         SELECT ${[...selected, column, column].join(', ')} FROM ${quote(table)} WHERE ${column} IS NOT NULL ${order}`,
    );
    // The same conversion as later, which differs from that of INSERT. With IGNORE, a value that doesn't fit becomes the closest one.
    await db.query(`ALTER IGNORE TABLE ${copy} MODIFY COLUMN converted ${typeOfCopy(to)} NULL`);
    const copied = await count(db, copy, 'true');
    if (copied !== rows) throw new Error(`MariaDB copied ${copied} of ${rows} rows of table ${table} to check them.`);
    const lost = `NOT coalesce(${condition}, false)`;
    const lostRows = await count(db, copy, lost);
    if (lostRows === 0) return [];
    const [first] = await db.query<Record<string, string | null>[]>(
      `SELECT ${keys.map((key) => `${key}, `).join('')}${shown('value', from, maxShownLength + 1)} AS shown_value,
              ${shown('converted', to, maxShownLength + 1)} AS shown_converted
         FROM ${copy} WHERE ${lost} ORDER BY position LIMIT 1`,
    );
    const key = actual.primaryKey.map((name, index): [string, string] => [name, first?.[`key${index}`] ?? '']);
    const { shown_value: value = null, shown_converted: becomes } = first ?? {};
    const total = await count(db, table, 'true');
    return [{ column: name, source, change: { from, to }, rows: lostRows, total, first: { key, value, becomes } }];
  } finally {
    await db.query(`DROP TEMPORARY TABLE ${copy}`);
  }
}

/** Type of a column of the copy. The check of `json` would skip rows. */
function typeOfCopy(type: string): string {
  return columnType(type === mariaDbTypes.json ? mariaDbTypes.string : type);
}

/** Checks that each row has a value in each column of a new primary key. MariaDB would use a default. */
async function checkKey(
  db: Connection,
  table: string,
  actual: Layout,
  key: string[],
  changes: Change[],
): Promise<Misfit[]> {
  const misfits: Misfit[] = [];
  for (const column of key) {
    const source = formerName(column, changes);
    const missing = source === undefined ? 'true' : `${quote(source)} IS NULL`;
    const rows = await count(db, table, missing);
    if (rows === 0) continue;
    const first = await keyOfFirst(db, table, actual, missing, 'NULL');
    const total = await count(db, table, 'true');
    misfits.push({ column, source: source ?? column, change: 'key', rows, total, first });
  }
  return misfits;
}

async function keyOfFirst(
  db: Connection,
  table: string,
  actual: Layout,
  condition: string,
  value: string,
): Promise<Misfit['first']> {
  const keys = actual.primaryKey.map((name, index) => `${shownColumn(name, actual)} AS key${index}, `);
  const order = actual.primaryKey.length > 0 ? `ORDER BY ${actual.primaryKey.map(quote).join(', ')}` : '';
  const [first] = await db.query<Record<string, string | null>[]>(
    `SELECT ${keys.join('')}${value} AS shown_value FROM ${quote(table)} WHERE ${condition} ${order} LIMIT 1`,
  );
  return {
    key: actual.primaryKey.map((name, index): [string, string] => [name, first?.[`key${index}`] ?? '']),
    value: first?.shown_value ?? null,
  };
}

async function count(db: Connection, table: string, condition: string): Promise<number> {
  const [counted] = await db.query<{ rows: number }[]>(
    `SELECT count(*) AS \`rows\` FROM ${quote(table)} WHERE ${condition}`,
  );
  return counted?.rows ?? 0;
}

/** Start of the value of a column as text. */
function shownColumn(name: string, actual: Layout): string {
  return shown(quote(name), findColumn(name, actual)?.type ?? '', maxShownLength + 1);
}
