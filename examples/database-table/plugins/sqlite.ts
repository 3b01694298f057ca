import { existsSync } from 'node:fs';
import type { DatabaseSync } from 'node:sqlite';
import { definePlugin, type FinalizeResult, type ReconcileResult } from '@kplug/sdk';
import { toDatabaseColumns } from '../column-types.ts';
import { type Change, planOrRefuse, withRecordedRenames } from '../plan.ts';
import { report, reportedLayout } from '../report.ts';
import { databaseTable, type Layout, sqliteExtension, type TableInput, tableName } from '../table.ts';
import { fileOf, inTransaction, quote } from './sqlite/database.ts';
import { alterTable, createTable, measure, readLayout, sqliteTypes } from './sqlite/layout.ts';
import { checkSurvival, countDropped } from './sqlite/survival.ts';

const database = 'SQLite';
const extensionKind = 'DatabaseTableSqliteExtension';
type Input = TableInput<typeof extensionKind>;

/** Creates or alters the table, in one transaction. */
export function reconcile(input: Input): ReconcileResult {
  const { base, extensions } = input;
  const table = tableName(base.metadata);
  const layout = layoutOf(input);
  const file = fileOf(base.spec.serverName);
  return inTransaction(file, (db) => {
    const done = change(db, table, layout, reportedLayout(base, database));
    const [extension, ...ignored] = extensions.all(extensionKind);
    return {
      ...report({ database, base, table, layout, done, ignored }),
      ...(extension && { extensions: [{ extension, status: { ...measure(db, table), file } }] }),
    };
  });
}

/** Creates or alters the table. Returns the changes. */
function change(db: DatabaseSync, table: string, layout: Layout, reported: Layout | undefined): 'created' | Change[] {
  const actual = readLayout(db, table);
  if (!actual) {
    createTable(db, table, layout);
    return 'created';
  }
  const changes = countDropped(db, table, planOrRefuse(layout, actual, reported));
  checkSurvival(db, table, actual, changes);
  alterTable(db, table, withRecordedRenames(layout, actual, changes), changes);
  return changes;
}

/** Drops the table. Its file is kept, as it may have other tables. */
export function finalize({ base }: Pick<Input, 'base'>): FinalizeResult {
  const table = tableName(base.metadata);
  const file = fileOf(base.spec.serverName);
  if (existsSync(file)) inTransaction(file, (db) => db.exec(`DROP TABLE IF EXISTS main.${quote(table)}`));
  return { messages: [{ reason: 'TableDropped', text: `${database} table ${table} is dropped.` }] };
}

/** Returns the wanted layout. */
function layoutOf({ base, extensions }: Input): Layout {
  const columns = toDatabaseColumns(base.spec.columns, sqliteTypes, database);
  const { strict = true, withoutRowId = false } = extensions.get(extensionKind)?.spec ?? {};
  return { columns, primaryKey: [columns[0].name], options: { strict, withoutRowId } };
}

if (import.meta.main) {
  await definePlugin({
    name: process.env.PLUGIN_NAME ?? database,
    version: process.env.PLUGIN_VERSION ?? '1.0.0',
    api: 'DatabaseTable@1.0.0',
    base: databaseTable,
    extensions: { [extensionKind]: sqliteExtension },
    reconcile,
    finalize,
  }).serve();
}
