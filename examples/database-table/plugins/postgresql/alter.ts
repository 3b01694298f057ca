import pg from 'pg';
import { type Change, describe, isRecordedWith } from '../../plan.ts';
import type { Layout } from '../../table.ts';
import { toPluginError } from './connection.ts';
import { newValue } from './conversions.ts';
import { createTable, recordRename } from './layout.ts';

const { escapeIdentifier: quote } = pg;

// Name of a temporary table. It can't be the name of a resource, as those have no underscore.
const kept = 'kplug_kept';

/** Makes the changes to the `wanted` layout. Must be called in a transaction, after `checkSurvival`. */
export async function alterTable(db: pg.Client, table: string, wanted: Layout, changes: Change[]): Promise<void> {
  if (changes.some((change) => needsRebuild(change, wanted))) await rebuild(db, table, wanted, changes);
  else {
    await alterAll(db, table, changes);
    const names = new Set(changes.filter(isRecordedWith).map(({ name }) => name));
    for (const column of wanted.columns) if (names.has(column.name)) await recordRename(db, table, column);
  }
}

/** Reports whether a change requires a new table: PostgreSQL can't change the partitioning or the type of the partition column. */
function needsRebuild(change: Change, wanted: Layout): boolean {
  if (change.kind === 'changeOption') return true;
  return change.kind === 'changeType' && change.name === wanted.options.partitionColumn;
}

/** Replaces a table by a new one with its rows. Indexes, triggers and grants that were created by hand are lost. */
async function rebuild(db: pg.Client, table: string, wanted: Layout, changes: Change[]): Promise<void> {
  await db.query(`CREATE TEMPORARY TABLE ${kept} ON COMMIT DROP AS TABLE ${quote(table)}`);
  await alterAll(db, kept, changes);
  await db.query(`DROP TABLE ${quote(table)}`);
  await createTable(db, table, wanted);
  const columns = wanted.columns.map(({ name }) => quote(name)).join(', ');
  await db.query(`INSERT INTO ${quote(table)} (${columns}) SELECT ${columns} FROM ${kept}`);
}

async function alterAll(db: pg.Client, table: string, changes: Change[]): Promise<void> {
  // A name may become free only by another rename, so all columns get temporary names first.
  const renames = changes.flatMap((change) => (change.kind === 'renameColumn' ? [change] : []));
  for (const [index, { from }] of renames.entries()) await rename(db, table, from, temporaryName(index));
  for (const [index, { name }] of renames.entries()) await rename(db, table, temporaryName(index), name);
  for (const change of changes) await alter(db, table, change);
}

async function rename(db: pg.Client, table: string, from: string, to: string): Promise<void> {
  await db.query(`ALTER TABLE ${quote(table)} RENAME COLUMN ${quote(from)} TO ${quote(to)}`);
}

/** A name that columns don't have: names of `DatabaseTable` have no control characters. */
function temporaryName(index: number): string {
  return `kplug\t${index}`;
}

async function alter(db: pg.Client, table: string, change: Change): Promise<void> {
  try {
    for (const action of await actionsOf(db, table, change)) await db.query(`ALTER TABLE ${quote(table)} ${action}`);
    if (change.kind === 'forgetRename') await recordRename(db, table, { name: change.name, type: change.type });
  } catch (error) {
    throw toPluginError(error, `PostgreSQL failed to apply: ${describe(change)}`);
  }
}

async function actionsOf(db: pg.Client, table: string, change: Change): Promise<string[]> {
  switch (change.kind) {
    case 'dropColumn':
      return [`DROP COLUMN ${quote(change.name)}`];
    case 'changeType':
      return [`ALTER COLUMN ${quote(change.name)} TYPE ${change.type} USING ${newValue(change)}`];
    case 'addColumn':
      return [`ADD COLUMN ${quote(change.name)} ${change.type}`];
    case 'changePrimaryKey': {
      const constraints = await db.query<{ name: string }>(
        `SELECT conname AS name FROM pg_constraint WHERE conrelid = $1::regclass AND contype = 'p'`,
        [quote(table)],
      );
      return [
        ...constraints.rows.map(({ name }) => `DROP CONSTRAINT ${quote(name)}`),
        ...change.freed.map(({ name }) => `ALTER COLUMN ${quote(name)} DROP NOT NULL`),
        `ADD PRIMARY KEY (${change.to.map(quote).join(', ')})`,
      ];
    }
    // Done by other functions.
    case 'renameColumn':
    case 'forgetRename':
    case 'changeOption':
      return [];
  }
}
