import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { LocalRegistry } from './day-one/local-registry.ts';
import { Newcomer } from './day-one/newcomer.ts';
import { packageManagers } from './day-one/package-managers.ts';
import { installUv, publishPython } from './day-one/python-packages.ts';
import { execute } from './day-one/shell.ts';
import { printTimings } from './day-one/timings.ts';
import { walkOperator, walkPlugin } from './day-one/walks.ts';
import { publishGoSdk } from './languages/go-proxy.ts';

/**
 * `node tools/try-day-one.ts [WALK…]`: does what a newcomer does on the first day, each in an empty folder: creates a project by the
 * published name of the command, installs it, tests it, and runs it until its status is there. The packages come from a registry on this
 * machine, packed as they are published. Prints how long each step took. Requires `pnpm build`, Python and Go.
 */
const oldestNode = '22.22.0';

const { positionals: wanted } = parseArgs({ allowPositionals: true });
const folder = mkdtempSync(join(tmpdir(), 'kplug-day-one-'));

/** Environment in which npm, pnpm, Yarn, pip, uv and Go find the packages, and share nothing with those of this machine. */
function environment(registry: string): NodeJS.ProcessEnv {
  const { npm_config_user_agent: _agent, npm_lifecycle_event: _event, NODE_OPTIONS: _options, ...env } = process.env;
  const caches = Object.fromEntries(
    ['CACHE', 'DATA', 'STATE', 'CONFIG'].map((name) => [`XDG_${name}_HOME`, join(folder, 'xdg', name)]),
  );
  return {
    ...env,
    ...caches,
    NO_COLOR: '1',
    npm_config_registry: registry,
    npm_config_cache: join(folder, 'npm'),
    npm_config_update_notifier: 'false',
    pnpm_config_registry: registry,
    // A version that was published a moment ago is refused otherwise.
    pnpm_config_minimum_release_age: '0',
    YARN_NPM_MINIMAL_AGE_GATE: '0',
    YARN_NPM_REGISTRY_SERVER: registry,
    YARN_UNSAFE_HTTP_WHITELIST: '127.0.0.1',
    YARN_GLOBAL_FOLDER: join(folder, 'yarn'),
    YARN_ENABLE_TELEMETRY: '0',
    UV_CACHE_DIR: join(folder, 'uv-cache'),
  };
}

/** Folder of a Node.js program and nothing else. */
function nodeFolder(program: string, name: string): string {
  const directory = join(folder, name);
  mkdirSync(directory);
  symlinkSync(program, join(directory, 'node'));
  return directory;
}

async function installOldestNode(env: NodeJS.ProcessEnv): Promise<string> {
  const prefix = join(folder, 'oldest-node');
  await execute('npm', ['install', '--no-audit', '--no-fund', '--prefix', prefix, `node@${oldestNode}`], { env });
  return nodeFolder(join(prefix, 'node_modules/node/bin/node'), 'node-22');
}

/** Go variables for the published SDK. Modules of others come from the cache of this machine where it has them. */
async function publishGo(): Promise<NodeJS.ProcessEnv> {
  const { env } = await publishGoSdk(join(folder, 'go-proxy'), 'v0.0.0');
  const { stdout: cache } = await execute('go', ['env', 'GOMODCACHE']);
  const [own, ...others] = (env.GOPROXY ?? '').split(',');
  return {
    ...env,
    GOPROXY: [own, `file://${cache.trim()}/cache/download`, ...others].join(','),
    GOMODCACHE: join(folder, 'go-modules'),
    GOFLAGS: '-modcacherw',
  };
}

try {
  await using registry = await LocalRegistry.start(join(folder, 'registry'));
  const startedAt = performance.now();
  const npm = environment(registry.url);
  const [names, node22, python, uv, go] = await Promise.all([
    registry.publish(folder),
    installOldestNode(npm),
    publishPython(join(folder, 'wheels')),
    installUv(folder),
    publishGo(),
  ]);
  const node24 = nodeFolder(resolve('node_modules/node/bin/node'), 'node-24');
  console.log(`published ${names.join(', ')} in ${Math.round((performance.now() - startedAt) / 1_000)} s`);

  const newcomer = (name: string, path: string[], env: NodeJS.ProcessEnv, manager: keyof typeof packageManagers) =>
    Newcomer.create({
      folder: join(folder, 'walks', name.replaceAll(' ', '-')),
      path,
      env,
      commands: packageManagers[manager],
    });

  const walks: Record<string, () => Promise<Newcomer>> = {};
  const add = (
    name: string,
    path: string[],
    walk: (newcomer: Newcomer) => Promise<void>,
    { env = {}, manager = 'npm' }: { env?: NodeJS.ProcessEnv; manager?: keyof typeof packageManagers } = {},
  ) => {
    if (wanted.length > 0 && !wanted.includes(name)) return;
    walks[name] = async () => {
      const one = await newcomer(name, path, { ...npm, ...env }, manager);
      await walk(one);
      return one;
    };
  };
  add('npm-24', [node24], (one) => walkPlugin(one, ''));
  add('npm-22', [node22], (one) => walkPlugin(one, ''));
  add('pnpm-22', [node22], (one) => walkPlugin(one, ''), { manager: 'pnpm' });
  add('yarn4-24', [node24], (one) => walkPlugin(one, ''), { manager: 'yarn 4' });
  add('yarn1-22', [node22], (one) => walkPlugin(one, ''), { manager: 'yarn 1' });
  add('operator-22', [node22], walkOperator);
  add('python-pip', [node22], (one) => walkPlugin(one, '--language python'), { env: python });
  const uvInstall = ['uv venv && . .venv/bin/activate && uv pip install -r requirements-dev.txt'];
  add('python-uv', [uv, node24], (one) => walkPlugin(one, '--language python', uvInstall), { env: python });
  add('go', [node24], (one) => walkPlugin(one, '--language go'), { env: go });

  // Two at a time: more would wait for each other.
  const queue = Object.entries(walks);
  const done = new Map<string, Newcomer>();
  const lane = async () => {
    for (let next = queue.shift(); next; next = queue.shift()) {
      const [name, walk] = next;
      try {
        done.set(name, await walk());
      } catch (error) {
        throw new Error(`${name}: ${(error as Error).message}`, { cause: error });
      }
    }
  };
  await Promise.all([lane(), lane()]);
  printTimings(done);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
