import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { messageOf } from '@kplug/protocol';
import { CommandError } from '../command-error.ts';

/** Time that a command has to end after SIGTERM, in milliseconds. */
const stopTimeout = 10_000;

/**
 * Script of the guard: it ends a process when its own input ends without a line, as this process was killed. It ignores the signals of a
 * terminal.
 */
const guardScript = `trap '' HUP INT TERM QUIT
read -r _ || kill -s TERM "$1"`;

/** Command that runs the plugin, with the streams of this process. It doesn't outlive this process, even if that is killed. */
export class RunningCommand {
  readonly #child: ChildProcess;
  readonly #guard: ChildProcess | undefined;
  /** Fulfilled with the exit code or the signal when the command has ended. Rejects with a `CommandError` if it can't be started. */
  readonly ended: Promise<number | NodeJS.Signals>;

  constructor([program = '', ...args]: readonly string[], environment: NodeJS.ProcessEnv) {
    this.#child = spawn(program, args, { env: environment, stdio: 'inherit' });
    this.#guard = guard(this.#child);
    const failed = once(this.#child, 'error').then(([error]) => {
      throw new CommandError('usage', `the command ${program} can't be started: ${messageOf(error)}`, { cause: error });
    });
    const exited = once(this.#child, 'exit').then(([code, signal]) => (code ?? signal) as number | NodeJS.Signals);
    this.ended = Promise.race([exited, failed]).finally(() => this.#guard?.stdin?.end('ended\n'));
    for (const one of [exited, failed, this.ended]) one.catch(() => undefined);
  }

  /** Stops the command, and waits until it has ended. */
  async stop(): Promise<void> {
    const { exitCode, signalCode, pid } = this.#child;
    if (exitCode !== null || signalCode !== null || pid === undefined) return;
    this.#child.kill('SIGTERM');
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), stopTimeout);
    await this.ended.catch(() => undefined);
    clearTimeout(timer);
  }
}

/** Starts the guard of a process; none where there is no POSIX shell. */
function guard({ pid }: ChildProcess): ChildProcess | undefined {
  if (pid === undefined || process.platform === 'win32') return undefined;
  const started = spawn('sh', ['-c', guardScript, 'kplug-guard', String(pid)], { stdio: ['pipe', 'ignore', 'ignore'] });
  // Without a guard, a command may outlive this process; it is not needed otherwise.
  started.on('error', () => undefined);
  started.stdin?.on('error', () => undefined);
  return started;
}
