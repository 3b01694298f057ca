import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { setPriority, tmpdir } from 'node:os';
import { delimiter, dirname, join, resolve } from 'node:path';
import { nodeCommand } from '@kplug/controller/tools';
import { exists, isFile } from '../input/path-kind.ts';
import type { Target } from './target.ts';

/** Command of a plugin, or the reason why there is none. */
export type Prepared =
  | { command: readonly [string, ...string[]]; environment?: Readonly<Record<string, string>>; fault?: never }
  | { command?: never; environment?: never; fault: Fault };

/** Reason why a plugin can't be run. */
export interface Fault {
  /** What is wrong, and what to do. */
  message: string;
  /** Output of the compiler. */
  output?: readonly string[];
  /** True if something outside of the sources is missing. It is looked for again. */
  isMissing: boolean;
}

/** Number of programs of a plugin that are kept: the newest one, and the former one while it is running. */
const keptPrograms = 2;

/** Packages that modules can import without installing them. */
const packages = { '@kplug/sdk': import.meta.resolve('@kplug/sdk') };

/** Keeps compiled modules between starts, which saves most of the time that a start takes. The place is that of Node.js. */
const compileCache = { NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE ?? join(tmpdir(), 'node-compile-cache') };

/** Prepares plugins for running: finds interpreters and dependencies, and builds programs in Go. */
export class Preparation implements AsyncDisposable {
  #folder: string | undefined;
  #count = 0;
  /** Programs by the paths of their plugins. */
  readonly #programs = new Map<string, string[]>();

  /** Returns the command of a plugin. Rejects with an `AbortError` when the signal is aborted. */
  async prepare(target: Target, signal: AbortSignal): Promise<Prepared> {
    switch (target.language) {
      case 'node':
        return prepareNode(target);
      case 'python':
        return preparePython(target, signal);
      case 'go':
        return this.#build(target, signal);
      case 'other':
        return prepareCommand(target);
    }
  }

  /** Removes the programs. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#folder !== undefined) await rm(this.#folder, { recursive: true, force: true });
  }

  /** Each build has a file of its own, as the former one is running. */
  async #build({ path, folder, entry, arguments: args }: Target, signal: AbortSignal): Promise<Prepared> {
    this.#folder ??= await mkdtemp(join(tmpdir(), 'kplug-dev-'));
    const program = join(this.#folder, `plugin-${++this.#count}`);
    const source = entry === '.' ? '.' : `./${entry}`;
    const { code, output } = await run('go', ['build', '-o', program, source], folder, signal);
    if (code === 'ENOENT') {
      return missing('go is not installed, or not on the PATH; install it from https://go.dev/dl');
    }
    if (code !== 0) return { fault: { message: 'go build failed', output, isMissing: false } };
    const programs = [...(this.#programs.get(path) ?? []), program];
    this.#programs.set(path, programs.slice(-keptPrograms));
    for (const old of programs.slice(0, -keptPrograms)) await rm(old, { force: true });
    return { command: [program, ...args] };
  }
}

async function prepareNode({ folder, entry, arguments: args }: Target): Promise<Prepared> {
  const file = join(folder, 'package.json');
  const { dependencies = {} } = await readFile(file, 'utf8').then(
    (text): { dependencies?: object } => JSON.parse(text),
    // A module without a project, or with a broken one, which Node.js reports.
    (): { dependencies?: object } => ({}),
  );
  if (Object.keys(dependencies).length > 0 && !(await findUpwards(folder, 'node_modules'))) {
    return missing(`node_modules is missing; run "${await installCommand(folder)}" in ${folder}`);
  }
  return { command: nodeCommand([entry, ...args], { python: '', packages }), environment: compileCache };
}

async function installCommand(folder: string): Promise<string> {
  if (await findUpwards(folder, 'pnpm-lock.yaml')) return 'pnpm install';
  return (await findUpwards(folder, 'yarn.lock')) ? 'yarn install' : 'npm install';
}

async function preparePython({ folder, entry, arguments: args }: Target, signal: AbortSignal): Promise<Prepared> {
  const environment = await findEnvironment(folder);
  const words = ['-u', entry, ...args];
  if (environment) return { command: [environment, ...words] };
  if ((await findUpwards(folder, 'uv.lock')) && (await isOnPath('uv'))) {
    return { command: ['uv', 'run', '--quiet', 'python', ...words] };
  }
  const { code } = await run('python3', ['-c', 'import kplug'], folder, signal);
  if (code === 'ENOENT') return missing('python3 is not installed, or not on the PATH; install Python 3.10 or newer');
  if (code === 0) return { command: ['python3', ...words] };
  const files = ['requirements-dev.txt', 'requirements.txt'];
  const found = await Promise.all(files.map((name) => exists(join(folder, name))));
  const requirements = files.find((_, index) => found[index]);
  const packageOrFile = requirements ? `-r ${requirements}` : 'kplug';
  return missing(
    `there is no virtual environment, and python3 has no package kplug; run "python3 -m venv .venv && .venv/bin/pip install ${packageOrFile}" in ${folder}`,
  );
}

/** Finds the interpreter of a virtual environment: that of the project, else the active one. */
async function findEnvironment(folder: string): Promise<string | undefined> {
  const places = [join(folder, '.venv'), join(folder, 'venv'), process.env.VIRTUAL_ENV, join(dirname(folder), '.venv')];
  for (const place of places) {
    const python = place && join(place, 'bin/python');
    if (python && (await exists(python))) return python;
  }
  return undefined;
}

async function prepareCommand({ folder, entry, arguments: args }: Target): Promise<Prepared> {
  const isFile = entry.includes('/');
  const program = isFile ? resolve(folder, entry) : entry;
  if (isFile ? await exists(program) : await isOnPath(program)) return { command: [program, ...args] };
  const advice = isFile ? 'build it, or give a command after --' : 'install it, or correct the command';
  return missing(`${entry} ${isFile ? 'does not exist' : 'is not on the PATH'}; ${advice}`);
}

function missing(message: string): Prepared {
  return { fault: { message, isMissing: true } };
}

/** Finds a name in a folder or one above it. */
export async function findUpwards(folder: string, name: string): Promise<string | undefined> {
  const path = join(folder, name);
  if (await exists(path)) return path;
  const parent = dirname(folder);
  return parent === folder ? undefined : findUpwards(parent, name);
}

async function isOnPath(program: string): Promise<boolean> {
  const places = (process.env.PATH ?? '').split(delimiter).map((place) => join(place, program));
  const found = await Promise.all(places.map(isFile));
  return found.includes(true);
}

/** Runs a program. Returns its exit code, or `ENOENT`, and the lines of its output. Rejects when it is aborted. @param niceness 0 to 19. */
export function run(
  program: string,
  args: readonly string[],
  cwd: string,
  signal: AbortSignal,
  niceness = 0,
): Promise<{ code: number | string; output: string[] }> {
  return new Promise((fulfil, reject) => {
    const maxBuffer = 16 * 1024 * 1024;
    const child = execFile(program, args, { cwd, signal, maxBuffer, encoding: 'utf8' }, (error, stdout, stderr) => {
      if (signal.aborted) return reject(signal.reason);
      const output = `${stdout}${stderr}`.split('\n').filter((line) => line.trim() !== '');
      fulfil({ code: error ? (error.code ?? 1) : 0, output });
    });
    if (child.pid !== undefined && niceness > 0) lowerPriority(child.pid, niceness);
  });
}

function lowerPriority(pid: number, niceness: number): void {
  try {
    setPriority(pid, niceness);
  } catch {
    // The process has ended, or may not be changed; it runs with the usual priority.
  }
}
