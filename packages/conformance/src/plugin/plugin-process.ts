import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { ConformanceError } from '../errors.ts';

/** A plugin in a separate process. Its child processes end with it. */
export class PluginProcess implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #ended: Promise<unknown>;
  #output = '';
  readonly #killOnExit = () => this.#signalAll('SIGKILL');

  private constructor(
    [program = '', ...args]: readonly string[],
    env: Record<string, string>,
    echo: NodeJS.WritableStream | undefined,
  ) {
    this.#child = spawn(program, args, {
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
      // A separate process group, so that its child processes can be killed too.
      detached: true,
    });
    this.#ended = once(this.#child, 'close').catch(() => undefined);
    const append = (chunk: Buffer) => {
      this.#output += chunk;
      echo?.write(chunk);
    };
    this.#child.stdout?.on('data', append);
    this.#child.stderr?.on('data', append);
    process.on('exit', this.#killOnExit);
  }

  /**
   * Starts a command. Rejects with a `ConformanceError` when the program cannot be started.
   *
   * @param echo stream to which the output of the process is copied; default: none
   */
  static async start(
    command: readonly string[],
    env: Record<string, string>,
    echo?: NodeJS.WritableStream,
  ): Promise<PluginProcess> {
    const started = new PluginProcess(command, env, echo);
    try {
      await once(started.#child, 'spawn');
    } catch (cause) {
      process.off('exit', started.#killOnExit);
      const message = `cannot start the plugin by "${command.join(' ')}": ${(cause as Error).message}`;
      throw new ConformanceError('InvalidOptions', message, { cause });
    }
    return started;
  }

  /** Standard output and standard error. */
  get output(): string {
    return this.#output;
  }

  /** Exit code, or the signal that ended the process; `undefined` while it runs. */
  get exit(): number | NodeJS.Signals | undefined {
    return this.#child.exitCode ?? this.#child.signalCode ?? undefined;
  }

  /** Sends SIGTERM to the process, as Kubernetes does. */
  terminate(): void {
    this.#child.kill('SIGTERM');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#signalAll('SIGKILL');
    await this.#ended;
    process.off('exit', this.#killOnExit);
  }

  #signalAll(signal: NodeJS.Signals): void {
    try {
      if (this.#child.pid !== undefined) process.kill(-this.#child.pid, signal);
    } catch (error) {
      // All processes of the group have ended.
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
  }
}
