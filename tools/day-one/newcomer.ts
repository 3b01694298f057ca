import { mkdirSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '@kplug/testing/free-port';
import { commandsOf } from './readme-commands.ts';
import { Shell } from './shell.ts';

/** Longest time in which a started operator and plugin may report a status. */
const statusTimeout = 120_000;

/** Step of a walk, with its duration in seconds. */
export interface Timing {
  title: string;
  seconds: number;
}

/** Package manager of a newcomer, with the commands that differ. */
export interface Commands {
  /** Runs a package that is not installed: `npx -y`. */
  runPackage: string;
  /** Turns a command of npm, as the README has it, into one of the package manager. */
  translate: (command: string) => string;
}

/** Environment of a newcomer who has the programs on `path` and a registry with the packages. */
export interface NewcomerOptions {
  /** New folder. */
  folder: string;
  /** Folders of programs, before those of this machine. */
  path: readonly string[];
  env: NodeJS.ProcessEnv;
  commands: Commands;
}

/** Somebody who starts from an empty folder, and types what the documentation and the output of the commands say. */
export class Newcomer {
  readonly timings: Timing[] = [];
  readonly #shell: Shell;
  readonly #commands: Commands;

  private constructor(shell: Shell, commands: Commands) {
    this.#shell = shell;
    this.#commands = commands;
  }

  static async create({ folder, path, env, commands }: NewcomerOptions): Promise<Newcomer> {
    mkdirSync(folder, { recursive: true });
    const port = await freePort();
    const shell = new Shell(folder, {
      ...env,
      PATH: [...path, ...foreignPath()].join(delimiter),
      // Several of them run on this machine at the same time.
      KPLUG_GRPC_BIND_ADDRESS: `127.0.0.1:${port}`,
      KPLUG_ADMIN_BIND_ADDRESS: '127.0.0.1:0',
      KPLUG_CONTROLLER: `127.0.0.1:${port}`,
    });
    return new Newcomer(shell, commands);
  }

  get heartbeatAddress(): string {
    return this.#shell.env.KPLUG_CONTROLLER ?? '';
  }

  get folder(): string {
    return this.#shell.cwd;
  }

  /** Sum of all steps, in seconds. */
  get seconds(): number {
    return this.timings.reduce((sum, { seconds }) => sum + seconds, 0);
  }

  /** Creates a project, enters its folder, and returns the commands that the output says are next. */
  async init(args: string): Promise<string[]> {
    const command = `${this.#commands.runPackage} @kplug/cli init ${args}`;
    const output = await this.#time('create', () => this.#shell.run(command));
    const [, next = ''] = /\nNext:\n((?: {2}.+\n)+)/.exec(output) ?? [];
    const [enter = '', ...others] = next
      .split('\n')
      .map((line) => line.trim())
      .filter(Boolean);
    const [, folder] = /^cd (\S+)$/.exec(enter) ?? [];
    if (!folder) throw new Error(`\`${command}\` does not say what is next:\n${output}`);
    this.#shell.cwd = join(this.#shell.cwd, folder);
    return others;
  }

  /** Runs commands to their end. One that activates an environment is repeated in each further terminal. */
  async run(title: string, commands: readonly string[]): Promise<string> {
    let output = '';
    await this.#time(title, async () => {
      for (const command of commands) {
        output += await this.#shell.run(this.#commands.translate(command));
        if (/&& \. \S+\/activate\b/.test(command)) this.#shell.prelude = '. .venv/bin/activate';
      }
    });
    return output;
  }

  /** Commands of a numbered step of the README. */
  step(number: number): string[] {
    return commandsOf(join(this.#shell.cwd, 'README.md'), number);
  }

  /** Starts commands in their own terminals, repeats the last one until its output matches, and stops them. */
  async runUntil(title: string, commands: readonly string[], expected: RegExp): Promise<void> {
    const [last = '', ...others] = commands.map((command) => this.#commands.translate(command)).reverse();
    await using stack = new AsyncDisposableStack();
    const started = others.reverse().map((command) => stack.use(this.#shell.start(command)));
    await this.#time(title, async () => {
      const endAt = Date.now() + statusTimeout;
      for (;;) {
        for (const command of started) command.check();
        const output = await this.#shell.run(last).catch((error: Error) => error.message);
        if (expected.test(output)) return;
        if (Date.now() > endAt) {
          const texts = started.map((command) => command.output).join('\n---\n');
          throw new Error(`\`${last}\` does not print ${expected} in time:\n${output}\n${texts}`);
        }
        await sleep(200);
      }
    });
  }

  async #time<T>(title: string, action: () => Promise<T>): Promise<T> {
    const startedAt = performance.now();
    const result = await action();
    this.timings.push({ title, seconds: (performance.now() - startedAt) / 1_000 });
    return result;
  }
}

/** Folders of programs of this machine, without those of this repository. */
function foreignPath(): string[] {
  return (process.env.PATH ?? '').split(delimiter).filter((folder) => !folder.includes('node_modules'));
}
