import { terminal } from '@kplug/sdk';
import type { Connection } from 'mariadb';
import type { ColumnTypes } from '../../column-types.ts';
import { type Change, describe } from '../../plan.ts';
import type { Column, Layout } from '../../table.ts';
import { quote, toPluginError } from './connection.ts';

/** Types as MariaDB returns them. */
export const mariaDbTypes: ColumnTypes = {
  uint64: 'bigint(20) unsigned',
  int64: 'bigint(20)',
  int32: 'int(11)',
  float64: 'double',
  string: 'longtext',
  bytes: 'longblob',
  bool: 'tinyint(1)',
  // In UTC. The type `timestamp` of MariaDB ends in 2038.
  timestamp: 'datetime(6)',
  json: 'json',
  uuid: 'uuid',
  decimal: (precision, scale) => `decimal(${precision},${scale})`,
};

/** Replacements for types in the primary key, whose length is limited, by MyISAM to 1000 bytes. */
export const keyTypes = new Map([
  [mariaDbTypes.string, 'varchar(240)'],
  [mariaDbTypes.bytes, 'varbinary(960)'],
]);

/** Reads the actual layout of a table; `undefined` if it does not exist. */
export async function readLayout(db: Connection, table: string): Promise<Layout | undefined> {
  const [found] = await db.query<{ kind: string; engine: string }[]>(
    `SELECT table_type AS kind, engine FROM information_schema.tables
      WHERE table_schema = DATABASE() AND table_name = ?`,
    [table],
  );
  if (!found) return undefined;
  if (found.kind !== 'BASE TABLE') {
    throw terminal(`"${table}" exists in MariaDB, but is not a table. Rename it, or the resource.`, {
      reason: 'NameTaken',
    });
  }
  const columns = await db.query<Column[]>(
    `SELECT column_name AS name, column_type AS type FROM information_schema.columns
      WHERE table_schema = DATABASE() AND table_name = ? ORDER BY ordinal_position`,
    [table],
  );
  // In MariaDB, `json` is text with a check constraint that has the name of the column.
  const checks = await db.query<{ name: string }[]>(
    `SELECT constraint_name AS name FROM information_schema.check_constraints
      WHERE constraint_schema = DATABASE() AND table_name = ? AND level = 'Column' AND check_clause LIKE 'json_valid(%'`,
    [table],
  );
  const json = new Set(checks.map(({ name }) => name));
  const key = await db.query<{ name: string }[]>(
    `SELECT column_name AS name FROM information_schema.key_column_usage
      WHERE table_schema = DATABASE() AND table_name = ? AND constraint_name = 'PRIMARY' ORDER BY ordinal_position`,
    [table],
  );
  return {
    columns: columns.map(({ name, type }) => ({ name, type: json.has(name) ? mariaDbTypes.json : type })),
    primaryKey: key.map(({ name }) => name),
    options: { storageEngine: found.engine },
  };
}

/** Creates the table. */
export async function createTable(db: Connection, table: string, layout: Layout): Promise<void> {
  const columns = layout.columns.map((column) => define(column, layout));
  // Compares text byte by byte, like the other databases.
  await db.query(
    `CREATE TABLE ${quote(table)} (${columns.join(', ')}, ${primaryKey(layout.primaryKey)})
       ENGINE = ${layout.options.storageEngine} CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin`,
  );
}

/** Makes the changes to the `wanted` layout in one statement, which is atomic even if MariaDB crashes. */
export async function alterTable(db: Connection, table: string, wanted: Layout, changes: Change[]): Promise<void> {
  if (changes.length === 0) return;
  const actions = changes.flatMap((change) => actionsOf(change, wanted));
  try {
    await db.query(`ALTER TABLE ${quote(table)} ${actions.join(', ')}`);
  } catch (error) {
    throw toPluginError(error, `MariaDB failed to apply: ${changes.map(describe).join('; ')}`);
  }
}

/** Reads the number of rows and the size of a table. */
export async function measure(db: Connection, table: string) {
  const [counted] = await db.query<{ rows: number }[]>(`SELECT count(*) AS \`rows\` FROM ${quote(table)}`);
  const [sized] = await db.query<{ storageEngine: string; sizeBytes: number }[]>(
    `SELECT engine AS storageEngine, data_length + index_length AS sizeBytes FROM information_schema.tables
      WHERE table_schema = DATABASE() AND table_name = ?`,
    [table],
  );
  return { storageEngine: sized?.storageEngine, rows: counted?.rows, sizeBytes: sized?.sizeBytes };
}

function actionsOf(change: Change, wanted: Layout): string[] {
  switch (change.kind) {
    case 'dropColumn':
      return [`DROP COLUMN ${quote(change.name)}`];
    case 'changeType':
      return [`MODIFY COLUMN ${define(change, wanted)}`];
    case 'addColumn':
      return [`ADD COLUMN ${define(change, wanted)}`];
    case 'changePrimaryKey':
      return [
        ...change.freed.map((column) => `MODIFY COLUMN ${define(column, wanted)}`),
        ...(change.from.length > 0 ? ['DROP PRIMARY KEY'] : []),
        `ADD ${primaryKey(change.to)}`,
      ];
    case 'changeOption':
      return [`ENGINE = ${change.to}`];
  }
}

function define({ name, type }: Column, { primaryKey }: Layout): string {
  return `${quote(name)} ${type} ${primaryKey.includes(name) ? 'NOT NULL' : 'NULL'}`;
}

function primaryKey(columns: string[]): string {
  return `PRIMARY KEY (${columns.map(quote).join(', ')})`;
}
