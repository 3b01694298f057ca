import { terminal } from '@kplug/sdk';
import type { Connection } from 'mariadb';
import type { ColumnTypes } from '../../column-types.ts';
import { mayBeSecret } from '../../misfits.ts';
import { describe } from '../../plan.ts';
import type { Column, Layout } from '../../table.ts';
import { quote, toPluginError } from './connection.ts';
import type { Checked } from './survival.ts';

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

// Start of the comment of a column that was renamed.
const record = 'kplug: renamed from ';

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
  const columns = await db.query<{ name: string; type: string; comment: string }[]>(
    `SELECT column_name AS name, column_type AS type, column_comment AS comment FROM information_schema.columns
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
    columns: columns.map(({ name, type: stored, comment }) => {
      const type = json.has(name) ? mariaDbTypes.json : stored;
      return comment.startsWith(record) ? { name, type, renamedFrom: comment.slice(record.length) } : { name, type };
    }),
    primaryKey: key.map(({ name }) => name),
    options: { storageEngine: found.engine },
  };
}

/** Creates the table. */
export async function createTable(db: Connection, table: string, layout: Layout): Promise<void> {
  const columns = layout.columns.map((column) => define(db, column, layout));
  // Compares text byte by byte, like the other databases.
  await db.query(
    `CREATE TABLE ${quote(table)} (${columns.join(', ')}, ${primaryKey(layout.primaryKey)})
       ENGINE = ${layout.options.storageEngine} CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin`,
  );
}

/** Makes the changes to the `wanted` layout in one statement, which is atomic even if MariaDB crashes. */
export async function alterTable(db: Connection, table: string, wanted: Layout, checked: Checked): Promise<void> {
  const { changes, replaced } = checked;
  const isKeyReplaced =
    wanted.primaryKey.some((name) => replaced.has(name)) && !changes.some(({ kind }) => kind === 'changePrimaryKey');
  const actions = [
    ...changes.flatMap((change) => (change.kind === 'dropColumn' ? [`DROP COLUMN ${quote(change.name)}`] : [])),
    ...redefinitions(db, wanted, checked),
    ...changes.flatMap((change) =>
      change.kind === 'addColumn' ? [`ADD COLUMN ${define(db, columnOf(change.name, wanted), wanted)}`] : [],
    ),
    ...changes.flatMap((change) => (change.kind === 'changePrimaryKey' ? keyActions(change) : [])),
    ...(isKeyReplaced ? keyActions({ from: wanted.primaryKey, to: wanted.primaryKey }) : []),
    ...changes.flatMap((change) => (change.kind === 'changeOption' ? [`ENGINE = ${change.to}`] : [])),
  ];
  try {
    await db.query(`ALTER TABLE ${quote(table)} ${actions.join(', ')}`);
  } catch (error) {
    const attempt = `MariaDB failed to apply: ${changes.map(describe).join('; ')}`;
    throw toPluginError(error, attempt, wanted.primaryKey.some(mayBeSecret));
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

/** Type for the definition of a column. Without a character set, text would have that of a table of another client. */
export function columnType(type: string): string {
  return /text$|^varchar/.test(type) ? `${type} CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin` : type;
}

/** Actions for the columns that get another name, type or comment, or leave the primary key: one for each. */
function redefinitions(db: Connection, wanted: Layout, { changes, replaced }: Checked): string[] {
  const formerNames = new Map<string, string>();
  for (const change of changes) {
    if (change.kind === 'changePrimaryKey') for (const { name } of change.freed) formerNames.set(name, name);
    if (change.kind === 'forgetRename') formerNames.set(change.name, change.name);
  }
  for (const change of changes) {
    if (change.kind === 'changeType') formerNames.set(change.name, change.source);
    if (change.kind === 'renameColumn') formerNames.set(change.name, change.from);
  }
  return [...formerNames].flatMap(([name, former]) => {
    const definition = define(db, columnOf(name, wanted), wanted);
    return replaced.has(name)
      ? [`DROP COLUMN ${quote(former)}`, `ADD COLUMN ${definition}`]
      : [`CHANGE COLUMN ${quote(former)} ${definition}`];
  });
}

function keyActions({ from, to }: { from: string[]; to: string[] }): string[] {
  return [...(from.length > 0 ? ['DROP PRIMARY KEY'] : []), `ADD ${primaryKey(to)}`];
}

function columnOf(name: string, { columns }: Layout): Column {
  return columns.find((column) => column.name === name) ?? { name, type: '' };
}

function define(db: Connection, { name, type, renamedFrom }: Column, { primaryKey }: Layout): string {
  const comment = renamedFrom === undefined ? '' : ` COMMENT ${db.escape(record + renamedFrom)}`;
  return `${quote(name)} ${columnType(type)} ${primaryKey.includes(name) ? 'NOT NULL' : 'NULL'}${comment}`;
}

function primaryKey(columns: string[]): string {
  return `PRIMARY KEY (${columns.map(quote).join(', ')})`;
}
