import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { CommandError } from '../../../cli/src/command-error.ts';

/** A plugin in a process of its own. What it starts itself ends with it. */
export class PluginProcess implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #ended: Promise<unknown>;
  #output = '';
  readonly #killWithUs = () => this.#signalAll('SIGKILL');

  private constructor([program = '', ...args]: readonly string[], env: Record<string, string>) {
    this.#child = spawn(program, args, {
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
      // A group of its own, so that nothing of it is left.
      detached: true,
    });
    this.#ended = once(this.#child, 'close').catch(() => undefined);
    const hear = (chunk: Buffer) => {
      this.#output += chunk;
    };
    this.#child.stdout?.on('data', hear);
    this.#child.stderr?.on('data', hear);
    process.on('exit', this.#killWithUs);
  }

  /** Starts a command. Rejects when there is no such program. */
  static async start(command: readonly string[], env: Record<string, string>): Promise<PluginProcess> {
    const started = new PluginProcess(command, env);
    try {
      await once(started.#child, 'spawn');
    } catch (cause) {
      process.off('exit', started.#killWithUs);
      const message = `the plugin can't be started by "${command.join(' ')}": ${(cause as Error).message}`;
      throw new CommandError('usage', message, { cause });
    }
    return started;
  }

  /** What it wrote on standard output and standard error. */
  get output(): string {
    return this.#output;
  }

  /** How it ended, if it has: its exit code, or the signal that ended it. */
  get ending(): number | NodeJS.Signals | undefined {
    return this.#child.exitCode ?? this.#child.signalCode ?? undefined;
  }

  /** Asks it to stop, as Kubernetes asks a container's first process. */
  terminate(): void {
    this.#child.kill('SIGTERM');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#signalAll('SIGKILL');
    await this.#ended;
    process.off('exit', this.#killWithUs);
  }

  #signalAll(signal: NodeJS.Signals): void {
    try {
      if (this.#child.pid !== undefined) process.kill(-this.#child.pid, signal);
    } catch (error) {
      // It has ended already, with all that it started.
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
  }
}
