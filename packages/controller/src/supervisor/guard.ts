import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Logger } from 'pino';
import { messageOf } from '../errors.ts';
import { limits } from '../limits/limits.ts';

/**
 * Script of the guard. It reads the commands `add GROUP` and `remove GROUP`, and prints each group that it has added. When its input
 * ends, even because the controller was killed, it kills the remaining groups. It ignores the signals of a terminal.
 */
const script = `trap '' HUP INT TERM QUIT
groups=' '
while read -r word group; do
  case $word in
    add) groups="$groups$group "; echo "$group" ;;
    remove) case $groups in *" $group "*) groups="\${groups%% $group *} \${groups#* $group }" ;; esac ;;
  esac
done
for group in $groups; do kill -s KILL -- "-$group" 2>/dev/null; done`;

/** Time that the guard may take to confirm a group, in milliseconds. Generous, for busy machines. */
const confirmTimeout = limits.pluginsFolder.guardTimeout;

/** Small process that outlives the controller only to kill the process groups that the controller leaves behind. */
export class Guard {
  readonly #log: Logger;
  readonly #groups = new Set<number>();
  readonly #confirmations = new Map<number, () => void>();
  #process: ChildProcess | undefined;
  #closed = false;

  constructor(log: Logger) {
    this.#log = log;
  }

  /** Process ID of the guard, for tests and for people. */
  get pid(): number | undefined {
    return this.#process?.pid;
  }

  /** Adds a process group. Fulfilled once the guard would kill it with the controller. Rejects when there is no guard. */
  async add(group: number): Promise<void> {
    this.#groups.add(group);
    this.#process ??= this.#start();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const timer = setTimeout(
      () => reject(new Error(`the process that guards the plugins did not respond within ${confirmTimeout} ms`)),
      confirmTimeout,
    );
    this.#confirmations.set(group, resolve);
    this.#send(`add ${group}`);
    try {
      await promise;
    } finally {
      clearTimeout(timer);
      this.#confirmations.delete(group);
    }
  }

  /** Removes a process group that has ended. The system may use its number for another one. */
  remove(group: number): void {
    if (this.#groups.delete(group)) this.#send(`remove ${group}`);
  }

  /** Stops the guard, which kills the remaining groups. */
  async close(): Promise<void> {
    this.#closed = true;
    const guard = this.#process;
    if (!guard || guard.exitCode !== null || guard.signalCode !== null) return;
    const ended = new Promise<void>((resolve) => guard.once('close', () => resolve()));
    guard.stdin?.end();
    await ended;
  }

  #start(): ChildProcess {
    // In a separate session, so that Ctrl+C in a terminal only reaches the controller.
    const guard = spawn('/bin/sh', ['-c', script], { detached: true, stdio: ['pipe', 'pipe', 'ignore'], env: {} });
    guard.on('error', (error) => this.#onEnd(guard, messageOf(error)));
    guard.on('exit', (code, signal) => this.#onEnd(guard, signal ? `signal ${signal}` : `exit code ${code}`));
    // Writing fails when the guard has exited, which the handlers above deal with.
    guard.stdin?.on('error', () => undefined);
    if (guard.stdout) {
      createInterface(guard.stdout).on('line', (line) => this.#confirmations.get(Number(line))?.());
    }
    return guard;
  }

  /** Replaces a guard that has exited: without one, the plugins would outlive a controller that is killed. */
  #onEnd(guard: ChildProcess, reason: string): void {
    if (this.#process !== guard || this.#closed) return;
    this.#process = undefined;
    if (guard.pid === undefined) {
      this.#log.error(`the process that guards the plugins can't be started: ${reason}; it needs /bin/sh`);
      return;
    }
    this.#log.warn({ guard: guard.pid }, `the process that guards the plugins exited: ${reason}; starting another one`);
    this.#process = this.#start();
    for (const group of this.#groups) this.#send(`add ${group}`);
  }

  #send(line: string): void {
    this.#process?.stdin?.write(`${line}\n`);
  }
}
