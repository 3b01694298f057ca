import type { ChildProcess } from 'node:child_process';
import type { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import { messageOf } from '../errors.ts';
import type { Reservation } from '../registry/reservations.ts';
import { TokenBucket } from '../resources/kubernetes/token-bucket.ts';
import type { ProcessIdentity } from './identity.ts';
import { type Launcher, notStarted } from './launch.ts';
import { readLogLine } from './log-line.ts';
import { OutputLines } from './output-lines.ts';
import { groupLives, signalGroup } from './process-group.ts';
import { residentMemory } from './process-memory.ts';
import type { Program } from './program.ts';

/** How a process ended. */
export interface Exit {
  /** For people, such as `exit code 1`. */
  how: string;
  /** Whether it ended with 0. */
  clean: boolean;
}

/** How long a line of output may be, in characters. */
const longestLine = 8_192;
/** How many lines are kept for when it ends, and how much of each. */
const keptLines = 20;
const keptLength = 500;
/** How often memory, and whether a group has ended, is looked at, in milliseconds. */
const memoryInterval = 1_000;
const groupInterval = 50;
/** How long output may still come when all have ended, in milliseconds. */
const lingerTime = 500;

/** One process of a plugin, with those that it starts. */
export class HostedProcess {
  readonly program: Program;
  readonly reservation: Reservation;
  readonly #launcher: Launcher;
  readonly #log: Logger;
  readonly #lines: string[] = [];
  readonly #end = Promise.withResolvers<Exit>();
  readonly #allowed = new TokenBucket({ burst: 1_000, interval: 10 });
  #dropped = 0;
  #child: ChildProcess | undefined;
  #identity: ProcessIdentity | undefined;
  #killedBecause = '';
  #isAskedToEnd = false;
  #timer: NodeJS.Timeout | undefined;
  #memoryTimer: NodeJS.Timeout | undefined;

  constructor(program: Program, reservation: Reservation, launcher: Launcher, log: Logger) {
    this.program = program;
    this.reservation = reservation;
    this.#launcher = launcher;
    this.#log = log.child({ hosted: program.name });
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** What it wrote last on standard error, or elsewhere as a warning or worse. */
  get lastLines(): readonly string[] {
    return this.#lines;
  }

  /** Fulfilled when it has ended, with all that it started. */
  get ended(): Promise<Exit> {
    return this.#end.promise;
  }

  /** Starts it. Never rejects: a process that can't be started has ended. */
  async start(controller: string): Promise<void> {
    const { instanceId, token } = this.reservation;
    const own = { KPLUG_CONTROLLER: controller, KPLUG_INSTANCE_ID: instanceId, KPLUG_TOKEN: token };
    try {
      this.#identity = await this.#launcher.identify(this.program, this.#log);
      const rights = this.#identity && { KUBECONFIG: this.#identity.kubeconfig };
      this.#child = await this.#launcher.launch(this.program, { ...own, ...rights });
    } catch (error) {
      await this.#identity?.end();
      this.#end.resolve({ how: `it can't be started: ${messageOf(error)}`, clean: false });
      return;
    }
    const { stdout, stderr } = this.#child;
    const closed = [this.#follow(stdout, 'stdout'), this.#follow(stderr, 'stderr')];
    this.#child.once('exit', (code, signal) => void this.#onExit(code, signal, closed));
    if (this.program.resources.memory) this.#watchMemory(this.program.resources.memory);
    // It may have been asked to end while it was being started.
    if (this.#killedBecause) this.#signal('SIGKILL');
    else if (this.#isAskedToEnd) this.#signal('SIGTERM');
  }

  /** Asks it to end, and kills it when it takes longer than `grace` milliseconds. */
  stop(grace: number): void {
    if (!this.#isAskedToEnd) this.#signal('SIGTERM');
    this.#isAskedToEnd = true;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.kill(`it took longer than ${grace} ms to end`), grace);
  }

  /** Kills it with all that it started. `because` is told when it has ended. */
  kill(because: string): void {
    this.#killedBecause ||= because;
    this.#signal('SIGKILL');
  }

  #signal(signal: NodeJS.Signals): void {
    if (this.pid !== undefined) signalGroup(this.pid, signal);
  }

  async #onExit(code: number | null, signal: NodeJS.Signals | null, closed: Promise<void>[]): Promise<void> {
    clearInterval(this.#memoryTimer);
    // What a process leaves behind may be at work still when it was asked to end; otherwise it goes with it.
    if (!this.#isAskedToEnd) this.#signal('SIGKILL');
    const { pid = 0 } = this;
    while (await groupLives(pid)) await sleep(groupInterval);
    clearTimeout(this.#timer);
    this.#launcher.forget(pid);
    await this.#identity?.end();
    // A process that has left the group may hold its output open for ever.
    await Promise.race([Promise.all(closed), sleep(lingerTime)]);
    this.#child?.stdout?.destroy();
    this.#child?.stderr?.destroy();
    const by = signal ? `ended by ${signal}` : `exit code ${code}`;
    const why = code === notStarted ? `it could not be started: ${this.#lines.at(-1) ?? by}` : by;
    const how = this.#killedBecause ? `killed: ${this.#killedBecause}` : why;
    this.#end.resolve({ how, clean: code === 0 && !this.#killedBecause });
  }

  #follow(stream: Readable | null, name: 'stdout' | 'stderr'): Promise<void> {
    if (!stream) return Promise.resolve();
    const lines = new OutputLines(longestLine, (line) => this.#onLine(line, name));
    stream.on('data', (chunk: Buffer) => lines.push(chunk));
    return new Promise((resolve) => {
      stream.once('close', () => {
        lines.end();
        resolve();
      });
      stream.once('error', () => stream.destroy());
    });
  }

  #onLine(line: string, stream: 'stdout' | 'stderr'): void {
    const { level, message, fields } = readLogLine(line, stream);
    if (stream === 'stderr' || level === 'warn' || level === 'error') {
      this.#lines.push(message.slice(0, keptLength));
      if (this.#lines.length > keptLines) this.#lines.shift();
    }
    if (!this.#allowed.take()) {
      this.#dropped++;
      return;
    }
    if (this.#dropped > 0) this.#log.warn(`${this.#dropped} lines were left out: it wrote more than 100 in a second`);
    this.#dropped = 0;
    this.#log[level]({ hostedPid: this.pid, ...(fields && { fields }) }, message);
  }

  #watchMemory(limit: number): void {
    const look = async () => {
      const used = this.pid === undefined ? undefined : await residentMemory(this.pid);
      if (used !== undefined && used > limit) {
        this.kill(`it used ${mebibytes(used)} of memory, more than its limit of ${mebibytes(limit)}`);
      }
    };
    this.#memoryTimer = setInterval(() => void look(), memoryInterval).unref();
  }
}

function mebibytes(bytes: number): string {
  return `${Math.ceil(bytes / 2 ** 20)} MiB`;
}
