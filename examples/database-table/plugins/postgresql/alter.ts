import pg from 'pg';
import { type Change, describe } from '../../plan.ts';
import type { Layout } from '../../table.ts';
import { toPluginError } from './connection.ts';
import { createTable } from './layout.ts';

const { escapeIdentifier: quote } = pg;

// Name of a temporary table. It can't be the name of a resource, as those have no underscore.
const kept = 'kplug_kept';

/** Makes the changes to the `wanted` layout. Must be called in a transaction. */
export async function alterTable(db: pg.Client, table: string, wanted: Layout, changes: Change[]): Promise<void> {
  if (changes.some((change) => needsRebuild(change, wanted))) await rebuild(db, table, wanted, changes);
  else for (const change of changes) await alter(db, table, change);
}

/** Reports whether a change requires a new table: PostgreSQL can't change the partitioning or the type of the partition column. */
function needsRebuild(change: Change, wanted: Layout): boolean {
  if (change.kind === 'changeOption') return true;
  return change.kind === 'changeType' && change.name === wanted.options.partitionColumn;
}

/** Replaces a table by a new one with its rows. Indexes, triggers and grants that were created by hand are lost. */
async function rebuild(db: pg.Client, table: string, wanted: Layout, changes: Change[]): Promise<void> {
  await db.query(`LOCK TABLE ${quote(table)} IN ACCESS EXCLUSIVE MODE`);
  await db.query(`CREATE TEMPORARY TABLE ${kept} ON COMMIT DROP AS TABLE ${quote(table)}`);
  for (const change of changes) await alter(db, kept, change);
  await db.query(`DROP TABLE ${quote(table)}`);
  await createTable(db, table, wanted);
  const columns = wanted.columns.map(({ name }) => quote(name)).join(', ');
  await db.query(`INSERT INTO ${quote(table)} (${columns}) SELECT ${columns} FROM ${kept}`);
}

async function alter(db: pg.Client, table: string, change: Change): Promise<void> {
  try {
    for (const action of await actionsOf(db, table, change)) await db.query(`ALTER TABLE ${quote(table)} ${action}`);
  } catch (error) {
    throw toPluginError(error, `PostgreSQL failed to apply: ${describe(change)}`);
  }
}

async function actionsOf(db: pg.Client, table: string, change: Change): Promise<string[]> {
  switch (change.kind) {
    case 'dropColumn':
      return [`DROP COLUMN ${quote(change.name)}`];
    case 'changeType': {
      const column = quote(change.name);
      return [`ALTER COLUMN ${column} TYPE ${change.type} USING ${column}::${change.type}`];
    }
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
    case 'changeOption':
      return [];
  }
}
