import { spawn } from 'node:child_process';
import { once } from 'node:events';

/** A command that runs in a terminal of the reader, until it ends or is interrupted. */
export class TerminalCommand implements AsyncDisposable {
  /** Standard output and standard error. */
  output = '';
  stdout = '';
  readonly #child;
  readonly #closed: Promise<unknown>;

  constructor(command: string, cwd: string, env: NodeJS.ProcessEnv) {
    // A process group of its own gets the signal of Ctrl+C, as in a terminal.
    this.#child = spawn('sh', ['-c', command], { cwd, env, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
    this.#closed = once(this.#child, 'close');
    this.#child.stdout.on('data', (chunk) => {
      this.stdout += chunk;
      this.output += chunk;
    });
    this.#child.stderr.on('data', (chunk) => {
      this.output += chunk;
    });
  }

  /** Waits for the end of the command, and returns its exit code. */
  async ended(): Promise<number | null> {
    await this.#closed;
    return this.#child.exitCode;
  }

  /** Presses Ctrl+C, and waits for the end of the command. */
  async interrupt(): Promise<void> {
    this.#signal('SIGINT');
    await this.#closed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#signal('SIGKILL');
    await this.#closed;
  }

  #signal(signal: NodeJS.Signals): void {
    const { pid, exitCode, signalCode } = this.#child;
    if (pid !== undefined && exitCode === null && signalCode === null) process.kill(-pid, signal);
  }
}
