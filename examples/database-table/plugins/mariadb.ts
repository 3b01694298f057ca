import { definePlugin, type FinalizeResult, type ReconcileResult, retry } from '@kplug/sdk';
import type { Connection } from 'mariadb';
import { toDatabaseColumns } from '../column-types.ts';
import { plan } from '../plan.ts';
import { report } from '../report.ts';
import { databaseTable, type Layout, mariaDbExtension, type TableInput, tableName } from '../table.ts';
import { quote, withConnection } from './mariadb/connection.ts';
import { alterTable, createTable, keyTypes, mariaDbTypes, measure, readLayout } from './mariadb/layout.ts';

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
    const actual = await readLayout(db, table);
    const changes = actual ? plan(layout, actual) : [];
    signal.throwIfAborted();
    if (actual) await alterTable(db, table, layout, changes);
    else await createTable(db, table, layout);

    const [extension, ...ignored] = extensions.all(extensionKind);
    return {
      ...report({ database, base, table, layout, done: actual ? changes : 'created', ignored }),
      conditions: [withoutTransactions],
      ...(extension && { extensions: [{ extension, status: await measure(db, table) }] }),
    };
  });
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
  const key = { name: first.name, type: keyTypes.get(first.type) ?? first.type };
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
