import { terminal } from '@kplug/sdk';
import pg from 'pg';
import type { ColumnTypes } from '../../column-types.ts';
import type { Column, Layout } from '../../table.ts';

const { escapeIdentifier: quote } = pg;

/** Types as PostgreSQL returns them. It has no unsigned integers; 20 digits are enough for uint64. */
export const postgreSqlTypes: ColumnTypes = {
  uint64: 'numeric(20,0)',
  int64: 'bigint',
  int32: 'integer',
  float64: 'double precision',
  string: 'text',
  bytes: 'bytea',
  bool: 'boolean',
  timestamp: 'timestamp with time zone',
  json: 'jsonb',
  uuid: 'uuid',
  decimal: (precision, scale) => `numeric(${precision},${scale})`,
};

// Start of the comment of a column that was renamed.
const record = 'kplug: renamed from ';

/** Reads the actual layout of a table; `undefined` if it does not exist. */
export async function readLayout(db: pg.Client, table: string): Promise<Layout | undefined> {
  const found = await db.query<{ oid: string; kind: string; partition_by: string | null; key: string | null }>(
    `SELECT c.oid::text, c.relkind AS kind, p.partstrat AS partition_by, a.attname AS key
       FROM pg_class c
       LEFT JOIN pg_partitioned_table p ON p.partrelid = c.oid
       LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = p.partattrs[0] AND p.partnatts = 1
      WHERE c.relname = $1 AND c.relnamespace = current_schema()::regnamespace`,
    [table],
  );
  const [relation] = found.rows;
  if (!relation) return undefined;
  if (relation.kind !== 'r' && relation.kind !== 'p') {
    throw terminal(`"${table}" exists in PostgreSQL, but is not a table. Rename it, or the resource.`, {
      reason: 'NameTaken',
    });
  }
  const columns = await db.query<{ name: string; type: string; comment: string | null }>(
    `SELECT attname AS name, format_type(atttypid, atttypmod) AS type, col_description(attrelid, attnum) AS comment
       FROM pg_attribute WHERE attrelid = $1 AND attnum > 0 AND NOT attisdropped ORDER BY attnum`,
    [relation.oid],
  );
  const primaryKey = await db.query<{ name: string }>(
    `SELECT a.attname AS name
       FROM pg_index i CROSS JOIN unnest(i.indkey) WITH ORDINALITY AS k (attnum, position)
       JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum
      WHERE i.indrelid = $1 AND i.indisprimary ORDER BY k.position`,
    [relation.oid],
  );
  return {
    columns: columns.rows.map(({ name, type, comment }) => {
      const renamedFrom = comment?.startsWith(record) ? comment.slice(record.length) : undefined;
      return renamedFrom === undefined ? { name, type } : { name, type, renamedFrom };
    }),
    primaryKey: primaryKey.rows.map(({ name }) => name),
    options: await readPartitioning(db, relation),
  };
}

/** Creates the table, with its partitions. */
export async function createTable(db: pg.Client, table: string, layout: Layout): Promise<void> {
  const { partitionColumn, partitions } = layout.options;
  const columns = layout.columns.map(({ name, type }) => `${quote(name)} ${type}`);
  const key = `PRIMARY KEY (${layout.primaryKey.map(quote).join(', ')})`;
  const partitionBy = partitionColumn ? ` PARTITION BY HASH (${quote(String(partitionColumn))})` : '';
  await db.query(`CREATE TABLE ${quote(table)} (${[...columns, key].join(', ')})${partitionBy}`);
  for (let remainder = 0; partitionColumn && remainder < Number(partitions); remainder++) {
    await db.query(
      `CREATE TABLE ${quote(`${table}_p${remainder}`)} PARTITION OF ${quote(table)}
         FOR VALUES WITH (MODULUS ${partitions}, REMAINDER ${remainder})`,
    );
  }
  for (const column of layout.columns) {
    if (column.renamedFrom !== undefined) await recordRename(db, table, column);
  }
}

/** Records the rename of a column in its comment, or that there was none. */
export async function recordRename(db: pg.Client, table: string, { name, renamedFrom }: Column): Promise<void> {
  const comment = renamedFrom === undefined ? 'NULL' : pg.escapeLiteral(record + renamedFrom);
  await db.query(`COMMENT ON COLUMN ${quote(table)}.${quote(name)} IS ${comment}`);
}

/** Reads the number of rows and the size of a table and of each of its partitions. */
export async function measure(db: pg.Client, table: string) {
  const { rows: details } = await db.query<{ name: string; rows: number; sizeBytes: number }>(
    `SELECT c.relname AS name, coalesce(n.rows, 0)::float8 AS rows, pg_total_relation_size(c.oid)::float8 AS "sizeBytes"
       FROM pg_class c
       LEFT JOIN pg_inherits i ON i.inhrelid = c.oid
       LEFT JOIN (SELECT tableoid, count(*) AS rows FROM ${quote(table)} GROUP BY tableoid) n ON n.tableoid = c.oid
      WHERE c.relkind = 'r' AND coalesce(i.inhparent, c.oid) = $1::regclass
      ORDER BY length(c.relname), c.relname`,
    [quote(table)],
  );
  const sum = (numbers: number[]) => numbers.reduce((total, number) => total + number, 0);
  const partitioned = details.some(({ name }) => name !== table);
  return {
    partitions: partitioned ? details.length : 0,
    rows: sum(details.map(({ rows }) => rows)),
    sizeBytes: sum(details.map(({ sizeBytes }) => sizeBytes)),
    details: partitioned ? details : [],
  };
}

type Partitioned = { oid: string; partition_by: string | null; key: string | null };

async function readPartitioning(db: pg.Client, { oid, partition_by, key }: Partitioned): Promise<Layout['options']> {
  if (!partition_by) return { partitionBy: 'none' };
  if (partition_by !== 'h' || key === null) return { partitionBy: 'other' };
  const { rows } = await db.query<{ partitions: number; even: boolean }>(
    `SELECT count(*)::int AS partitions, coalesce(bool_and(bound LIKE format('%%(modulus %s,%%', total)), false) AS even
       FROM (SELECT pg_get_expr(c.relpartbound, c.oid) AS bound, count(*) OVER () AS total
               FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = $1) AS partition`,
    [oid],
  );
  // `other` if a partition is missing, or if the bounds are not those of `createTable`.
  return rows[0]?.even
    ? { partitionBy: 'hash', partitionColumn: key, partitions: rows[0].partitions }
    : { partitionBy: 'other', partitionColumn: key };
}
