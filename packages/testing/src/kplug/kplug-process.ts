import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const main = fileURLToPath(new URL('../../../cli/src/main.ts', import.meta.url));
/** Program of a plugin for the kind `Greeting`. */
export const greetingPlugin = fileURLToPath(new URL('./greeting-plugin.ts', import.meta.url));

/** How a command ended. */
export interface CommandResult {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** Options of a process. */
export interface ProcessOptions {
  cwd?: string;
  env?: Record<string, string>;
  /** What it reads on standard input. */
  input?: string;
}

/** A process that runs until it is stopped, and what it has written. Stops when its scope ends. */
export class RunningProcess implements AsyncDisposable {
  stdout = '';
  stderr = '';
  readonly #child: ChildProcess;
  readonly #closed: Promise<unknown>;

  constructor(program: string, args: readonly string[], { cwd, env = {}, input = '' }: ProcessOptions = {}) {
    // Nothing that is set where the tests run may change what they see.
    const inherited = Object.entries(process.env).filter(([name]) => !/^(KPLUG_|NO_COLOR$|FORCE_COLOR$)/.test(name));
    this.#child = spawn(process.execPath, [program, ...args], {
      cwd,
      env: { ...Object.fromEntries(inherited), ...env },
    });
    this.#closed = once(this.#child, 'close');
    this.#child.stdout?.on('data', (chunk) => {
      this.stdout += chunk;
    });
    this.#child.stderr?.on('data', (chunk) => {
      this.stderr += chunk;
    });
    this.#child.stdin?.end(input);
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Fulfilled when it has ended. */
  async ended(): Promise<CommandResult> {
    await this.#closed;
    return { code: this.#child.exitCode, stdout: this.stdout, stderr: this.stderr };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) this.kill('SIGKILL');
    await this.#closed;
  }
}

/** Runs a command to its end. */
export async function kplug(args: readonly string[], options?: ProcessOptions): Promise<CommandResult> {
  await using command = startKplug(args, options);
  return await command.ended();
}

/** Starts a command that goes on until it is stopped. */
export function startKplug(args: readonly string[], options?: ProcessOptions): RunningProcess {
  return new RunningProcess(main, args, options);
}

/** Starts a plugin for greetings, in a process of its own. */
export function startGreetingPlugin(env: Record<string, string>): RunningProcess {
  return new RunningProcess(greetingPlugin, [], { env: { KPLUG_LOG_LEVEL: 'info', ...env } });
}
