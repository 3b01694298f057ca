import type { ReconcileInput } from '@kplug/sdk';
import * as z from 'zod';

/** Column of a table, with its type. */
export interface Column {
  name: string;
  type: string;
  /** Former name of a wanted column. In an actual layout, the rename that was made. */
  renamedFrom?: string | undefined;
}

/** Schema of a table. */
export interface Layout {
  columns: Column[];
  primaryKey: string[];
  /** Options of an extension, for example the storage engine. */
  options: Record<string, string | number | boolean>;
}

const layout = z.object({
  columns: z.array(z.object({ name: z.string(), type: z.string(), renamedFrom: z.string().optional() })),
  primaryKey: z.array(z.string()),
  options: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])),
});

// Names that all databases support: PostgreSQL has a limit of 63 bytes, MariaDB supports neither a space at the end nor characters
// beyond the basic multilingual plane.
const columnName = z
  .string()
  .refine((name) => name !== '' && Buffer.byteLength(name) <= 63, 'must be 1 to 63 bytes long')
  .regex(/^[^\p{Cc}\p{Cs}\u{10000}-\u{10FFFF}]*$/u, 'must not have control characters or emoji')
  .refine((name) => name === name.trim(), 'must not begin or end with a space');

const column = z.strictObject({
  name: columnName,
  type: z.string().min(1),
  /** Former name, whose values the column takes over. Ignored once the column is renamed. */
  renamedFrom: columnName.optional(),
});
const columns = z
  .array(column, 'must be a list of columns')
  .min(1, 'must have at least one column')
  .superRefine((list, context) => {
    const names = new Set<string>();
    const formerNames = new Set<string>();
    for (const [index, { name, renamedFrom }] of list.entries()) {
      const refuse = (field: string, message: string) => {
        context.addIssue({ code: 'custom', path: [index, field], message });
      };
      // Names are case-insensitive in MariaDB and SQLite.
      if (names.has(name.toLowerCase())) refuse('name', `duplicate column ${name}`);
      names.add(name.toLowerCase());
      if (renamedFrom === undefined) continue;
      if (renamedFrom === name) refuse('renamedFrom', 'must differ from the name');
      if (formerNames.has(renamedFrom.toLowerCase())) {
        refuse('renamedFrom', `another column is renamed from ${renamedFrom}, too`);
      }
      formerNames.add(renamedFrom.toLowerCase());
    }
  })
  // Narrows the type to at least one column.
  .pipe(z.tuple([column], column));

/** Schema of a `DatabaseTable`. */
export const databaseTable = z
  .looseObject({
    metadata: z.looseObject({ name: z.string(), namespace: z.string().optional() }),
    spec: z.looseObject({
      /** Name of the server; for SQLite, the name of the file. */
      serverName: z
        .string()
        .regex(
          /^[a-z0-9][a-z0-9._-]{0,62}$/i,
          'must be 1 to 63 letters, digits, ".", "_" and "-", and begin with a letter or digit',
        ),
      preferredImplementation: z.string().optional(),
      /** Columns; the first one is the primary key. */
      columns,
      extensions: z.array(z.looseObject({ kind: z.string(), name: z.string() })).optional(),
    }),
    // Last report of this or another plugin.
    status: z
      .looseObject({ table: layout.extend({ database: z.string() }).optional().catch(undefined) })
      .optional()
      .catch(undefined),
  })
  // PostgreSQL has a limit of 63 bytes, and the names of partitions have up to five bytes more than that of the table.
  .refine(({ metadata }) => Buffer.byteLength(tableName(metadata)) <= 56, {
    path: ['metadata', 'name'],
    message: 'must be at most 56 bytes long, with the namespace unless that is default',
  });
type DatabaseTable = z.infer<typeof databaseTable>;

/** Schema of a `DatabaseTablePostgreSqlExtension`. */
export const postgreSqlExtension = z.looseObject({
  spec: z
    .strictObject({
      /** Partitioning. Default: none. */
      partitionBy: z.literal('hash').optional(),
      /** Number of partitions. Default 4. */
      partitions: z.int().min(1).max(256).optional(),
      /** Partition column. Default: the first column. PostgreSQL requires another one to be part of the primary key. */
      partitionColumn: z.string().optional(),
    })
    .refine(
      ({ partitionBy, partitions, partitionColumn }) => partitionBy ?? (!partitions && !partitionColumn),
      'partitions and partitionColumn require partitionBy',
    ),
});
export type PostgreSqlExtension = z.infer<typeof postgreSqlExtension>;

/** Schema of a `DatabaseTableMariaDbExtension`. */
export const mariaDbExtension = z.looseObject({
  spec: z.strictObject({
    /** Storage engine. Default `InnoDB`. */
    storageEngine: z.enum(['InnoDB', 'Aria', 'MyISAM']).optional(),
  }),
});
export type MariaDbExtension = z.infer<typeof mariaDbExtension>;

/** Schema of a `DatabaseTableSqliteExtension`. */
export const sqliteExtension = z.looseObject({
  spec: z.strictObject({
    /** Enforce the types of columns. Default true. */
    strict: z.boolean().optional(),
    /** Store rows by primary key, without a row id. Default false. */
    withoutRowId: z.boolean().optional(),
  }),
});
type SqliteExtension = z.infer<typeof sqliteExtension>;

/** Extension kinds, by name. */
export type TableExtensions = {
  DatabaseTablePostgreSqlExtension: PostgreSqlExtension;
  DatabaseTableMariaDbExtension: MariaDbExtension;
  DatabaseTableSqliteExtension: SqliteExtension;
};

/** Fields of a call that the plugins use. */
export type TableInput<Kind extends keyof TableExtensions> = Pick<
  ReconcileInput<DatabaseTable, Pick<TableExtensions, Kind>>,
  'base' | 'extensions' | 'signal'
>;

/**
 * Returns the name of the table: that of the resource in the namespace `default`, else `namespace/name`. Names of resources have no
 * `/`, so no two resources have the same table.
 */
export function tableName({ name, namespace }: { name: string; namespace?: string | undefined }): string {
  return namespace && namespace !== 'default' ? `${namespace}/${name}` : name;
}
