import { definePlugin, type FinalizeResult, type ReconcileResult, terminal } from '@kplug/sdk';
import pg from 'pg';
import { toDatabaseColumns } from '../column-types.ts';
import { type Change, planOrRefuse, withRecordedRenames } from '../plan.ts';
import { report, reportedLayout } from '../report.ts';
import {
  databaseTable,
  type Layout,
  type PostgreSqlExtension,
  postgreSqlExtension,
  type TableInput,
  tableName,
} from '../table.ts';
import { alterTable } from './postgresql/alter.ts';
import { inTransaction, withConnection } from './postgresql/connection.ts';
import { createTable, measure, postgreSqlTypes, readLayout } from './postgresql/layout.ts';
import { checkSurvival, countDropped } from './postgresql/survival.ts';

const database = 'PostgreSQL';
const extensionKind = 'DatabaseTablePostgreSqlExtension';
type Input = TableInput<typeof extensionKind>;

/** Creates or alters the table, in one transaction. */
export async function reconcile(input: Input): Promise<ReconcileResult> {
  const { base, extensions, signal } = input;
  const table = tableName(base.metadata);
  const layout = layoutOf(input);
  return withConnection(async (db) => {
    const pass = await inTransaction(db, async () => {
      // Concurrent instances of this plugin wait for each other.
      await db.query('SELECT pg_advisory_xact_lock(hashtextextended($1, 0))', [table]);
      const done = await change(db, table, layout, reportedLayout(base, database), signal);
      return { database, base, table, layout, done };
    });
    const [extension, ...ignored] = extensions.all(extensionKind);
    return {
      ...report({ ...pass, ignored }),
      ...(extension && { extensions: [{ extension, status: await measure(db, table) }] }),
    };
  });
}

/** Creates or alters the table. Returns the changes. */
async function change(
  db: pg.Client,
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
  await db.query(`LOCK TABLE ${pg.escapeIdentifier(table)} IN ACCESS EXCLUSIVE MODE`);
  // The text of timestamps and floats depends on the first settings. With the last one, rows that a policy hides are an error.
  const settings = { TimeZone: 'UTC', DateStyle: 'ISO', extra_float_digits: '1', row_security: 'off' };
  for (const [name, value] of Object.entries(settings)) await db.query(`SET LOCAL ${name} = '${value}'`);
  const actual = (await readLayout(db, table)) ?? found;
  const changes = await countDropped(db, table, planOrRefuse(layout, actual, reported));
  await checkSurvival(db, table, actual, changes);
  await alterTable(db, table, withRecordedRenames(layout, actual, changes), changes);
  return changes;
}

/** Drops the table. */
export async function finalize({ base }: Pick<Input, 'base'>): Promise<FinalizeResult> {
  const table = tableName(base.metadata);
  await withConnection((db) => db.query(`DROP TABLE IF EXISTS ${pg.escapeIdentifier(table)}`));
  return { messages: [{ reason: 'TableDropped', text: `${database} table ${table} is dropped.` }] };
}

/** Returns the wanted layout. */
function layoutOf({ base, extensions }: Input): Layout {
  const columns = toDatabaseColumns(base.spec.columns, postgreSqlTypes, database);
  const first = columns[0].name;
  const options = optionsOf(extensions.get(extensionKind)?.spec, first);
  const partitionColumn = String(options.partitionColumn ?? first);
  if (!columns.some(({ name }) => name === partitionColumn)) {
    throw terminal(`The partition column "${partitionColumn}" does not exist. Add it, or choose another.`, {
      reason: 'NoPartitionColumn',
    });
  }
  // PostgreSQL requires that the primary key includes the partition column.
  return { columns, primaryKey: partitionColumn === first ? [first] : [first, partitionColumn], options };
}

function optionsOf(spec: PostgreSqlExtension['spec'] | undefined, first: string): Layout['options'] {
  if (!spec?.partitionBy) return { partitionBy: 'none' };
  return {
    partitionBy: spec.partitionBy,
    partitionColumn: spec.partitionColumn ?? first,
    partitions: spec.partitions ?? 4,
  };
}

if (import.meta.main) {
  await definePlugin({
    name: database,
    version: process.env.PLUGIN_VERSION ?? '1.0.0',
    api: 'DatabaseTable@1.0.0',
    base: databaseTable,
    extensions: { [extensionKind]: postgreSqlExtension },
    reconcile,
    finalize,
  }).serve();
}
