import { definePlugin, type FinalizeResult, type ReconcileResult, retry } from '@kplug/sdk';
import type { Connection } from 'mariadb';
import { toDatabaseColumns } from '../column-types.ts';
import { type Change, planOrRefuse, withRecordedRenames } from '../plan.ts';
import { report, reportedLayout } from '../report.ts';
import { databaseTable, type Layout, mariaDbExtension, type TableInput, tableName } from '../table.ts';
import { quote, withConnection } from './mariadb/connection.ts';
import { alterTable, createTable, keyTypes, mariaDbTypes, measure, readLayout } from './mariadb/layout.ts';
import { checkSurvival } from './mariadb/survival.ts';

const database = 'MariaDB';
const extensionKind = 'DatabaseTableMariaDbExtension';
type Input = TableInput<typeof extensionKind>;

/** Creates or alters the table. */
export async function reconcile(input: Input): Promise<ReconcileResult> {
  const { base, extensions, signal } = input;
  const table = tableName(base.metadata);
  const layout = layoutOf(input);
  return withConnection(async (db) => {
    await lock(db, table);
    const done = await change(db, table, layout, reportedLayout(base, database), signal);
    const [extension, ...ignored] = extensions.all(extensionKind);
    return {
      ...report({ database, base, table, layout, done, ignored }),
      conditions: [withoutTransactions],
      ...(extension && { extensions: [{ extension, status: await measure(db, table) }] }),
    };
  });
}

/** Creates or alters the table. Returns the changes. */
async function change(
  db: Connection,
  table: string,
  layout: Layout,
  reported: Layout | undefined,
  signal: AbortSignal,
): Promise<'created' | Change[]> {
  const found = await readLayout(db, table);
  signal.throwIfAborted();
  if (!found) {
    await createTable(db, table, layout);
    return 'created';
  }
  if (planOrRefuse(layout, found, reported).length === 0) return [];
  // Nobody can write a row between the check and the changes, or change the layout between the plan and the check.
  await db.query(`LOCK TABLES ${quote(table)} WRITE`);
  const actual = (await readLayout(db, table)) ?? found;
  const checked = await checkSurvival(db, table, actual, planOrRefuse(layout, actual, reported));
  if (checked.changes.length > 0) {
    await alterTable(db, table, withRecordedRenames(layout, actual, checked.changes), checked);
  }
  await db.query('UNLOCK TABLES');
  return checked.changes;
}

/** Drops the table. */
export async function finalize({ base }: Pick<Input, 'base'>): Promise<FinalizeResult> {
  const table = tableName(base.metadata);
  await withConnection((db) => db.query(`DROP TABLE IF EXISTS ${quote(table)}`));
  return { messages: [{ reason: 'TableDropped', text: `${database} table ${table} is dropped.` }] };
}

const withoutTransactions = {
  type: 'Transactional',
  status: false,
  reason: 'ImplicitCommit',
  message: 'MariaDB commits each ALTER TABLE implicitly. All changes are therefore made by one atomic ALTER TABLE.',
};

/** Locks a table, so that concurrent instances of this plugin wait for each other. Closing the connection releases the lock. */
async function lock(db: Connection, table: string): Promise<void> {
  const [row] = await db.query<{ taken: number | null }[]>(
    'SELECT get_lock(sha1(concat(database(), char(0), ?)), 2) AS taken',
    [table],
  );
  if (row?.taken !== 1) throw retry(`Another instance has locked table ${table}.`, { reason: 'DatabaseBusy' });
}

/** Returns the wanted layout. */
function layoutOf({ base, extensions }: Input): Layout {
  const [first, ...others] = toDatabaseColumns(base.spec.columns, mariaDbTypes, database);
  const key = { ...first, type: keyTypes.get(first.type) ?? first.type };
  const { storageEngine = 'InnoDB' } = extensions.get(extensionKind)?.spec ?? {};
  return { columns: [key, ...others], primaryKey: [key.name], options: { storageEngine } };
}

if (import.meta.main) {
  await definePlugin({
    name: database,
    version: process.env.PLUGIN_VERSION ?? '1.0.0',
    api: 'DatabaseTable@1.0.0',
    base: databaseTable,
    extensions: { [extensionKind]: mariaDbExtension },
    reconcile,
    finalize,
  }).serve();
}
