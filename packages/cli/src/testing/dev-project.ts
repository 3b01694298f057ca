import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, realpath, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { stripVTControlCharacters } from 'node:util';
import { expect, onTestFinished, vi } from 'vitest';

const main = fileURLToPath(new URL('../main.ts', import.meta.url));
const bridge = fileURLToPath(new URL('../../../testing/src/kplug/pty-bridge.py', import.meta.url));

/** Timeout of tests that wait for processes. */
export const waiting = { timeout: 30_000, interval: 20 };

/** Configuration file with a delegation. */
export const configuration = `delegations:
  - name: greetings
    base: { apiVersion: example.org/v1, kind: Greeting }
    api: Greeting@^1.0.0
    backOff: { initial: 1h, max: 1h }
`;

/** Returns the manifest of a greeting. */
export function greeting(name: string, spec = '{ who: World }'): string {
  return `apiVersion: example.org/v1\nkind: Greeting\nmetadata: { name: ${name} }\nspec: ${spec}\n`;
}

/** Returns a plugin whose status has a text. `body` precedes the return of its reconcile, `before` the plugin. */
export function pluginOf({ text = 'Hello', version = '1.0.0', name = 'Hello', body = '', before = '' } = {}): string {
  return `import { definePlugin } from '@kplug/sdk';
${before}
await definePlugin({
  name: '${name}', version: '${version}', api: 'Greeting@1.0.0',
  async reconcile({ base }) {
    ${body}
    return { status: { text: '${text}, ' + base.spec.who }, validFor: 3_600_000 };
  },
}).serve();
`;
}

/** Project folder of a plugin for `kplug dev`. It is removed, with its processes, when its scope ends. */
export class DevProject implements AsyncDisposable {
  readonly folder: string;
  readonly #processes: DevProcess[] = [];

  private constructor(folder: string) {
    this.folder = folder;
  }

  /** @param files files by their paths; `undefined` leaves out one of the usual ones. */
  static async make(files: Record<string, string | undefined> = {}): Promise<DevProject> {
    const project = new DevProject(await realpath(await mkdtemp(join(tmpdir(), 'kplug-dev-test-'))));
    const usual = { 'kplug.yaml': configuration, 'samples/world.yaml': greeting('world'), 'hello.ts': pluginOf() };
    for (const [file, text] of Object.entries({ ...usual, ...files })) {
      if (text !== undefined) await project.write(file, text);
    }
    return project;
  }

  path(file: string): string {
    return join(this.folder, file);
  }

  async write(file: string, text: string): Promise<void> {
    await mkdir(dirname(this.path(file)), { recursive: true });
    await writeFile(this.path(file), text);
  }

  /** Replaces a file as editors do that save atomically: by renaming another one. */
  async replace(file: string, text: string): Promise<void> {
    await this.write(`${file}.tmp`, text);
    await rename(this.path(`${file}.tmp`), this.path(file));
  }

  /** Starts `kplug dev`. */
  start(args: readonly string[] = [], options: DevProcessOptions = {}): DevProcess {
    const process = new DevProcess(['dev', ...args], { cwd: this.folder, ...options });
    this.#processes.push(process);
    return process;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const one of this.#processes) await one.kill();
    await rm(this.folder, { recursive: true, force: true });
  }
}

/** Makes a project that is removed when the test ends. */
export async function makeProject(files?: Record<string, string | undefined>): Promise<DevProject> {
  const project = await DevProject.make(files);
  onTestFinished(() => project[Symbol.asyncDispose]());
  return project;
}

/** Returns the processes whose command line contains a text. */
export function processesOf(text: string): string[] {
  const lines = execFileSync('ps', ['-eo', 'pid=,args='], { encoding: 'utf8' }).split('\n');
  return lines.filter((line) => line.includes(text) && !line.includes('ps -eo'));
}

/** Options of a process. */
export interface DevProcessOptions {
  cwd?: string;
  env?: NodeJS.ProcessEnv;
  /** Width of its terminal. Default: it has none. */
  columns?: number;
}

/** Process of `kplug dev`, with its output. */
export class DevProcess {
  output = '';
  readonly #child: ChildProcess;
  readonly #closed: Promise<unknown>;

  constructor(args: readonly string[], { cwd, env = {}, columns }: DevProcessOptions) {
    const inherited = Object.entries(process.env).filter(([name]) => !/^(KPLUG_|NO_COLOR$|FORCE_COLOR$)/.test(name));
    const command = [process.execPath, main, ...args];
    const [program = '', ...words] = columns === undefined ? command : ['python3', bridge, String(columns), ...command];
    this.#child = spawn(program, words, { cwd, env: { ...Object.fromEntries(inherited), TERM: 'xterm', ...env } });
    this.#closed = once(this.#child, 'close');
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text) => {
        this.output += text;
      });
    }
  }

  /** Presses keys. */
  press(keys: string): void {
    this.#child.stdin?.write(keys);
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Output without styles. */
  get text(): string {
    return stripVTControlCharacters(this.output).replaceAll('\r', '');
  }

  /** Waits for text after a position. Returns the position after its begin. */
  async expect(text: string | RegExp, from = 0, timeout: number = waiting.timeout): Promise<number> {
    return vi.waitFor(
      () => {
        const rest = this.text.slice(from);
        const at = typeof text === 'string' ? rest.indexOf(text) : rest.search(text);
        expect(at, `${text} in:\n${rest}`).toBeGreaterThanOrEqual(0);
        return from + at + 1;
      },
      { ...waiting, timeout },
    );
  }

  /** Waits for the end of the process. */
  async ended(): Promise<number | null> {
    await this.#closed;
    return this.#child.exitCode;
  }

  async kill(): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) this.#child.kill('SIGKILL');
    await this.#closed;
  }
}
