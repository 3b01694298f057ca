import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const main = fileURLToPath(new URL('../../../cli/src/main.ts', import.meta.url));
/** Program of a plugin for the kind `Greeting`. */
export const greetingPlugin = fileURLToPath(new URL('./greeting-plugin.ts', import.meta.url));

/** Result of a command. */
export interface CommandResult {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** Options of a process. */
export interface ProcessOptions {
  cwd?: string;
  env?: Record<string, string>;
  /** Standard input. */
  input?: string;
}

/** A running process and its output. It is killed when its scope ends. */
export class RunningProcess implements AsyncDisposable {
  stdout = '';
  stderr = '';
  readonly #child: ChildProcess;
  readonly #closed: Promise<unknown>;

  constructor(program: string, args: readonly string[], { cwd, env = {}, input = '' }: ProcessOptions = {}) {
    // Variables of the environment of the tests must not influence them.
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

  /** Waits for the end of the process. */
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

/** Starts a command that runs until it is stopped. */
export function startKplug(args: readonly string[], options?: ProcessOptions): RunningProcess {
  return new RunningProcess(main, args, options);
}

/** Starts the plugin for the kind `Greeting`. */
export function startGreetingPlugin(env: Record<string, string>): RunningProcess {
  return new RunningProcess(greetingPlugin, [], { env: { KPLUG_LOG_LEVEL: 'info', ...env } });
}
