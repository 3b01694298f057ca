import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { npmVariables } from './day-one/client-environment.ts';
import { publishGo } from './day-one/go-module.ts';
import { LocalRegistry } from './day-one/local-registry.ts';
import { Newcomer } from './day-one/newcomer.ts';
import { packageManagers } from './day-one/package-managers.ts';
import { installUv, publishPython } from './day-one/python-packages.ts';
import { execute } from './day-one/shell.ts';
import { printTimings } from './day-one/timings.ts';
import { type Walk, walkOperator, walkPlugin } from './day-one/walks.ts';

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
  // Newcomers are not in CI, where package managers refuse to write lock files.
  const own = ['npm_config_user_agent', 'npm_lifecycle_event', 'NODE_OPTIONS', 'CI', 'GITHUB_ACTIONS'];
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !own.includes(name)));
  const caches = Object.fromEntries(
    ['CACHE', 'DATA', 'STATE', 'CONFIG'].map((name) => [`XDG_${name}_HOME`, join(folder, 'xdg', name)]),
  );
  return {
    ...env,
    ...caches,
    NO_COLOR: '1',
    ...npmVariables(registry, folder),
    npm_config_update_notifier: 'false',
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

try {
  await using registry = await LocalRegistry.start(join(folder, 'registry'));
  const startedAt = performance.now();
  const npm = environment(registry.url);
  const [names, node22, python, uv, go] = await Promise.all([
    registry.publish(folder),
    installOldestNode(npm),
    publishPython(join(folder, 'wheels')),
    installUv(folder),
    publishGo(join(folder, 'go')),
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

  const walks: [name: string, newcomer: () => Promise<Newcomer>, walk: Walk][] = [];
  const add = (
    name: string,
    path: string[],
    walk: Walk,
    { env = {}, manager = 'npm' }: { env?: NodeJS.ProcessEnv; manager?: keyof typeof packageManagers } = {},
  ) => {
    if (wanted.length > 0 && !wanted.includes(name)) return;
    walks.push([name, () => newcomer(name, path, { ...npm, ...env }, manager), walk]);
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

  const done = new Map<string, Newcomer>();
  const rests: Promise<void>[] = [];
  const attempt = async (name: string, action: () => Promise<void>) => {
    try {
      await action();
    } catch (error) {
      console.error(`${name} FAILED: ${(error as Error).message}`);
      process.exitCode = 1;
    }
  };
  const lane = async () => {
    for (let next = walks.shift(); next; next = walks.shift()) {
      const [name, create, walk] = next;
      await attempt(name, async () => {
        const one = await create();
        done.set(name, one);
        const rest = await walk(one);
        console.log(`${name}: ${Math.round(one.seconds)} s`);
        if (rest) rests.push(attempt(name, rest));
      });
    }
  };
  // Two at a time: more would wait for each other.
  await Promise.all([lane(), lane()]);
  await Promise.all(rests);
  printTimings(done);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
