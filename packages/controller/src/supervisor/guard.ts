import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Logger } from 'pino';
import { messageOf } from '../errors.ts';

/**
 * Reads `keep GROUP` and `drop GROUP`, and says each group that it keeps. When its input ends, be it that the controller was
 * killed, it kills what it keeps. Signals that are meant for the controller don't end it.
 */
const script = `trap '' HUP INT TERM QUIT
groups=' '
while read -r word group; do
  case $word in
    keep) groups="$groups$group "; echo "$group" ;;
    drop) case $groups in *" $group "*) groups="\${groups%% $group *} \${groups#* $group }" ;; esac ;;
  esac
done
for group in $groups; do kill -s KILL -- "-$group" 2>/dev/null; done`;

/** How long a guard may take to answer, in milliseconds. Far more than it needs on a machine that is busy. */
const patience = 10_000;

/** A small process that outlives the controller only to kill the process groups that it has left behind. */
export class Guard {
  readonly #log: Logger;
  readonly #groups = new Set<number>();
  readonly #kept = new Map<number, () => void>();
  #process: ChildProcess | undefined;
  #closed = false;

  constructor(log: Logger) {
    this.#log = log;
  }

  /** The guard's process id; for tests and for people. */
  get pid(): number | undefined {
    return this.#process?.pid;
  }

  /** Fulfilled when a process group would be killed with the controller. Rejects when there is no guard. */
  async keep(group: number): Promise<void> {
    this.#groups.add(group);
    this.#process ??= this.#start();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const timer = setTimeout(
      () => reject(new Error(`the guard of the plugins did not answer for ${patience} ms`)),
      patience,
    );
    this.#kept.set(group, resolve);
    this.#say(`keep ${group}`);
    try {
      await promise;
    } finally {
      clearTimeout(timer);
      this.#kept.delete(group);
    }
  }

  /** The group has ended, and its number may become somebody else's. */
  drop(group: number): void {
    if (this.#groups.delete(group)) this.#say(`drop ${group}`);
  }

  /** Ends the guard, and whatever it still keeps. */
  async close(): Promise<void> {
    this.#closed = true;
    const guard = this.#process;
    if (!guard || guard.exitCode !== null || guard.signalCode !== null) return;
    const ended = new Promise<void>((resolve) => guard.once('close', () => resolve()));
    guard.stdin?.end();
    await ended;
  }

  #start(): ChildProcess {
    // In a session of its own, so that Ctrl+C in a terminal is the controller's alone.
    const guard = spawn('/bin/sh', ['-c', script], { detached: true, stdio: ['pipe', 'pipe', 'ignore'], env: {} });
    guard.on('error', (error) => this.#onEnd(guard, messageOf(error)));
    guard.on('exit', (code, signal) => this.#onEnd(guard, `it ended with ${signal ?? code}`));
    // It may end while it is written to; its end is told above.
    guard.stdin?.on('error', () => undefined);
    if (guard.stdout) {
      createInterface(guard.stdout).on('line', (line) => this.#kept.get(Number(line))?.());
    }
    return guard;
  }

  /** Without a guard the processes would outlive a controller that is killed, so there is another one at once. */
  #onEnd(guard: ChildProcess, why: string): void {
    if (this.#process !== guard || this.#closed) return;
    this.#process = undefined;
    if (guard.pid === undefined) {
      this.#log.error(`the guard of the plugins can't be started: ${why}; /bin/sh must be there`);
      return;
    }
    this.#log.warn({ guard: guard.pid }, `the guard of the plugins is gone: ${why}; another one is started`);
    this.#process = this.#start();
    for (const group of this.#groups) this.#say(`keep ${group}`);
  }

  #say(line: string): void {
    this.#process?.stdin?.write(`${line}\n`);
  }
}
