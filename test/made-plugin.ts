import { execFile } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { onTestFinished } from 'vitest';
import { goVariables, hasGoFor } from '../tools/languages/go.ts';
import { publishGoSdk } from '../tools/languages/go-proxy.ts';
import { installedPython, installPythonFor, pythonVariables } from '../tools/python/environment.ts';

const execute = promisify(execFile);
const repository = resolve(import.meta.dirname, '..');
const main = join(repository, 'packages/cli/src/main.ts');

/** Commands of a language for a plugin that `kplug init plugin` generated, with the packages of this repository. */
export interface Toolchain {
  language: 'typescript' | 'python' | 'go';
  /** Installs the dependencies into the folder. */
  install(folder: string): Promise<void> | void;
  test: readonly (readonly string[])[];
  start: readonly string[];
  env: NodeJS.ProcessEnv;
}

const path = (...folders: string[]) => [...folders, dirname(process.execPath), process.env.PATH].join(delimiter);

/** Commands of TypeScript, which need nothing but this repository. */
export const typescript: Toolchain = {
  language: 'typescript',
  install(folder) {
    const modules = join(folder, 'node_modules');
    const packages = { zod: 'zod', typescript: 'typescript', '@types/node': '@types/node', '@kplug/sdk': '@kplug/sdk' };
    for (const [name, from] of Object.entries(packages))
      link(join(repository, 'node_modules', from), join(modules, name));
    link(join(repository, 'node_modules/.bin/tsc'), join(modules, '.bin/tsc'));
    // As npm does for the `bin` of the package.
    const command = join(modules, '.bin/kplug');
    writeFileSync(command, `#!/bin/sh\nexec "${process.execPath}" "${main}" "$@"\n`);
    chmodSync(command, 0o755);
  },
  test: [
    ['npm', 'run', 'types'],
    ['npm', 'test'],
  ],
  start: ['node', 'plugin.ts'],
  env: { PATH: path() },
};

const python: Toolchain = {
  language: 'python',
  install(folder) {
    // As in the folder of the image.
    link(join(repository, 'packages/sdk-python/.venv'), join(folder, 'python'));
  },
  test: [['python', '-m', 'pytest', '-p', 'no:cacheprovider', '-p', 'no:asyncio']],
  start: ['python', 'plugin.py'],
  env: { ...pythonVariables(), PYTHONDONTWRITEBYTECODE: '1' },
};

const go: Toolchain = {
  language: 'go',
  async install(folder) {
    const proxy = temporaryFolder();
    const { requirement, env } = await publishGoSdk(proxy);
    await run(['go', 'mod', 'edit', `-require=${requirement}`], folder, env);
    await run(['go', 'mod', 'tidy'], folder, env);
    await run(['go', 'build', '-o', 'plugin', '.'], folder, goVariables);
  },
  test: [
    ['sh', '-c', '! gofmt -d . | grep .'],
    ['go', 'vet', './...'],
    ['go', 'test', './...'],
  ],
  start: ['./plugin'],
  env: goVariables,
};

/** Returns the installed toolchains. In CI, all are required. */
export async function findToolchains(what: string): Promise<Toolchain[]> {
  const hasPython = (await installPythonFor(`${what} in Python`)) && installedPython();
  const hasGo = await hasGoFor(`${what} in Go`);
  return [typescript, ...(hasPython ? [python] : []), ...(hasGo ? [go] : [])];
}

/** Generates a plugin with `kplug init plugin` and installs its dependencies. It is removed with the test. */
export async function makePlugin({ language, install }: Toolchain, ...options: string[]): Promise<string> {
  const folder = join(temporaryFolder(), 'made');
  await run(
    [process.execPath, main, 'init', 'plugin', folder, '--language', language, '--yes', ...options],
    repository,
  );
  await install(folder);
  return folder;
}

/** Runs a command to its end and returns its output. Rejects with the whole output when it fails. */
export async function run(
  [program = '', ...args]: readonly string[],
  cwd: string,
  env: NodeJS.ProcessEnv = {},
): Promise<string> {
  try {
    const { stdout } = await execute(program, args, {
      cwd,
      env: { ...process.env, ...env },
      maxBuffer: 16 * 1024 * 1024,
    });
    return stdout;
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string };
    throw new Error(`${[program, ...args].join(' ')} failed:\n${stdout}${stderr}`, { cause: error });
  }
}

/** Copies the contents that the Dockerfile has in `/plugin`: its files of the project, and the installed dependencies. */
export function copyAsImageDoes(made: string, to: string): void {
  mkdirSync(to, { recursive: true });
  const last =
    readFileSync(join(made, 'Dockerfile'), 'utf8')
      .split(/^FROM /m)
      .at(-1) ?? '';
  const copied = last.matchAll(/^COPY (?!--)(.+) \/plugin\/$/gm);
  const files = [...copied].flatMap(([, patterns = '']) => globSync(patterns.split(' '), { cwd: made }));
  for (const file of files) {
    if (!/(?:\.test\.ts|^test_.*\.py)$/.test(file)) cpSync(join(made, file), join(to, file));
  }
  for (const name of ['package.json', 'node_modules', 'python', 'plugin']) {
    const [found] = globSync(name, { cwd: made });
    if (found) cpSync(join(made, found), join(to, found), { recursive: true, verbatimSymlinks: true });
  }
}

/** Creates a folder that is removed with the test. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'kplug-made-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return folder;
}

function link(target: string, at: string): void {
  mkdirSync(dirname(at), { recursive: true });
  symlinkSync(target, at);
}
