import type { ReconcileInput } from '@kplug/sdk';
import * as z from 'zod';

/** What a database column is called and holds; the type in the database's own words. */
export interface Column {
  name: string;
  type: string;
}

/** What a table is, as far as these plugins care. */
export interface Layout {
  columns: Column[];
  primaryKey: string[];
  /** What an extension chooses, for example the storage engine. */
  options: Record<string, string | number | boolean>;
}

const layout = z.object({
  columns: z.array(z.object({ name: z.string(), type: z.string() })),
  primaryKey: z.array(z.string()),
  options: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])),
});

// What every database here can name: PostgreSQL ends at 63 bytes, MariaDB has neither names with a space at the end nor
// characters beyond the basic plane.
const columnName = z
  .string()
  .refine((name) => name !== '' && Buffer.byteLength(name) <= 63, 'a column name has 1 to 63 bytes')
  .regex(/^[^\p{Cc}\p{Cs}\u{10000}-\u{10FFFF}]*$/u, 'a column name has no control characters and no emoji')
  .refine((name) => name === name.trim(), 'a column name has no space at its ends');

const column = z.strictObject({ name: columnName, type: z.string().min(1) });
const columns = z
  .array(column, 'a table has a list of columns')
  .min(1, 'a table has at least one column')
  .superRefine((list, context) => {
    const seen = new Set<string>();
    for (const [index, { name }] of list.entries()) {
      // MariaDB and SQLite don't tell `Name` from `name`.
      const key = name.toLowerCase();
      if (seen.has(key)) {
        context.addIssue({ code: 'custom', path: [index, 'name'], message: `there are two columns ${name}` });
      }
      seen.add(key);
    }
  })
  // Tells the compiler that there is a first one.
  .pipe(z.tuple([column], column));

/** A `DatabaseTable`: a table in the language that all implementations share. */
export const databaseTable = z
  .looseObject({
    metadata: z.looseObject({ name: z.string(), namespace: z.string().optional() }),
    spec: z.looseObject({
      /** Which server. Where each has a file (SQLite), this is the file's name. */
      serverName: z
        .string()
        .regex(
          /^[a-z0-9][a-z0-9._-]{0,62}$/i,
          'a server name has 1 to 63 letters, digits, ".", "_" and "-", and begins with a letter or digit',
        ),
      preferredImplementation: z.string().optional(),
      /** The first is the primary key. */
      columns,
      extensions: z.array(z.looseObject({ kind: z.string(), name: z.string() })).optional(),
    }),
    // What a plugin reported before, this one or another.
    status: z
      .looseObject({ table: layout.extend({ database: z.string() }).optional().catch(undefined) })
      .optional()
      .catch(undefined),
  })
  // PostgreSQL ends at 63 bytes, and the names of partitions are longer than the table's by up to five.
  .refine(({ metadata }) => Buffer.byteLength(tableName(metadata)) <= 56, {
    path: ['metadata', 'name'],
    message: "a table's name, with its namespace if that isn't default, has at most 56 bytes",
  });
type DatabaseTable = z.infer<typeof databaseTable>;

/** A `DatabaseTablePostgreSqlExtension`. */
export const postgreSqlExtension = z.looseObject({
  spec: z
    .strictObject({
      /** Default: the table is not partitioned. */
      partitionBy: z.literal('hash').optional(),
      /** Default: 4. */
      partitions: z.int().min(1).max(256).optional(),
      /** Default: the first column. Any other becomes the primary key's second column, as PostgreSQL demands. */
      partitionColumn: z.string().optional(),
    })
    .refine(
      ({ partitionBy, partitions, partitionColumn }) => partitionBy ?? (!partitions && !partitionColumn),
      'partitions and partitionColumn need partitionBy',
    ),
});
export type PostgreSqlExtension = z.infer<typeof postgreSqlExtension>;

/** A `DatabaseTableMariaDbExtension`. */
export const mariaDbExtension = z.looseObject({
  spec: z.strictObject({
    /** Default: `InnoDB`. */
    storageEngine: z.enum(['InnoDB', 'Aria', 'MyISAM']).optional(),
  }),
});
export type MariaDbExtension = z.infer<typeof mariaDbExtension>;

/** A `DatabaseTableSqliteExtension`. */
export const sqliteExtension = z.looseObject({
  spec: z.strictObject({
    /** Whether SQLite enforces the columns' types. Default: true. */
    strict: z.boolean().optional(),
    /** Whether rows are kept in the primary key's order, without a row id. Default: false. */
    withoutRowId: z.boolean().optional(),
  }),
});
type SqliteExtension = z.infer<typeof sqliteExtension>;

/** The extension kinds, by name. */
export type TableExtensions = {
  DatabaseTablePostgreSqlExtension: PostgreSqlExtension;
  DatabaseTableMariaDbExtension: MariaDbExtension;
  DatabaseTableSqliteExtension: SqliteExtension;
};

/** What the plugins here use of a call. */
export type TableInput<Kind extends keyof TableExtensions> = Pick<
  ReconcileInput<DatabaseTable, Pick<TableExtensions, Kind>>,
  'base' | 'extensions' | 'signal'
>;

/**
 * The table's name: the resource's own in the namespace `default`, elsewhere `namespace/name`. No resource has a `/` in its
 * name, so two resources never mean the same table.
 */
export function tableName({ name, namespace }: { name: string; namespace?: string | undefined }): string {
  return namespace && namespace !== 'default' ? `${namespace}/${name}` : name;
}
