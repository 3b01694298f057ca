import type { ChildProcess } from 'node:child_process';
import type { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import { messageOf } from '../errors.ts';
import { seconds } from '../limits/limit.ts';
import { limits } from '../limits/limits.ts';
import { TokenBucket } from '../queue/token-bucket.ts';
import type { Reservation } from '../registry/reservations.ts';
import type { ProcessIdentity } from './identity.ts';
import { LastLines, type OutputStream } from './last-lines.ts';
import { type Launcher, notStarted } from './launch.ts';
import { readLogLine } from './log-line.ts';
import { OutputLines } from './output-lines.ts';
import type { OutputLog } from './output-log.ts';
import { OutputThrottle } from './output-throttle.ts';
import { groupLives, signalGroup } from './process-group.ts';
import { residentMemory } from './process-memory.ts';
import type { Program } from './program.ts';

/** Exit of a process. */
export interface Exit {
  /** Description for people, such as `exit code 1`. */
  how: string;
  /** True if the exit code was 0. */
  clean: boolean;
}

const { maxLineLength, memoryInterval, outputTimeout } = limits.pluginsFolder;
/** Interval of the checks whether a process group has ended, in milliseconds. */
const groupInterval = 50;
const lineLimit = { burst: limits.pluginsFolder.lineBurst, interval: limits.pluginsFolder.lineInterval };

/** Process of a plugin, with its child processes. */
export class HostedProcess {
  readonly program: Program;
  readonly reservation: Reservation;
  readonly #launcher: Launcher;
  readonly #log: Logger;
  readonly #lines = new LastLines();
  readonly #output: OutputLog;
  readonly #throttles: OutputThrottle[] = [];
  readonly #end = Promise.withResolvers<Exit>();
  readonly #lineBucket = new TokenBucket(lineLimit);
  #dropped = 0;
  #child: ChildProcess | undefined;
  #identity: ProcessIdentity | undefined;
  #killReason = '';
  #isStopping = false;
  #killTimer: NodeJS.Timeout | undefined;
  #memoryTimer: NodeJS.Timeout | undefined;

  /** @param output gets each line that the process writes. */
  constructor(program: Program, reservation: Reservation, launcher: Launcher, log: Logger, output: OutputLog) {
    this.program = program;
    this.reservation = reservation;
    this.#launcher = launcher;
    this.#log = log.child({ hosted: program.name });
    this.#output = output;
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** Last lines on standard error, and last warnings and errors on standard output. */
  get lastLines(): readonly string[] {
    return this.#lines.list();
  }

  /** Fulfilled when the process and its children have exited. */
  get ended(): Promise<Exit> {
    return this.#end.promise;
  }

  /** Starts the process. Never rejects: a process that can't be started counts as exited. */
  async start(controller: string): Promise<void> {
    const { instanceId, token } = this.reservation;
    const own = { KPLUG_CONTROLLER: controller, KPLUG_INSTANCE_ID: instanceId, KPLUG_TOKEN: token };
    try {
      this.#identity = await this.#launcher.identify(this.program, this.#log);
      const rights = this.#identity && { KUBECONFIG: this.#identity.kubeconfig };
      this.#child = await this.#launcher.launch(this.program, { ...own, ...rights });
    } catch (error) {
      await this.#identity?.end();
      this.#end.resolve({ how: `can't be started: ${messageOf(error)}`, clean: false });
      return;
    }
    const { stdout, stderr } = this.#child;
    const closed = [this.#follow(stdout, 'stdout'), this.#follow(stderr, 'stderr')];
    this.#child.once('exit', (code, signal) => void this.#onExit(code, signal, closed));
    if (this.program.resources.memory) this.#watchMemory(this.program.resources.memory);
    // It may have been stopped while it was starting.
    if (this.#killReason) this.#signal('SIGKILL');
    else if (this.#isStopping) this.#signal('SIGTERM');
  }

  /** Sends SIGTERM, and SIGKILL when the process hasn't exited after `grace` milliseconds. */
  stop(grace: number): void {
    if (!this.#isStopping) this.#signal('SIGTERM');
    this.#isStopping = true;
    clearTimeout(this.#killTimer);
    this.#killTimer = setTimeout(() => this.kill(`did not exit within ${grace} ms`), grace);
  }

  /** Kills the process and its children. `reason` becomes part of the description of the exit. */
  kill(reason: string): void {
    this.#killReason ||= reason;
    this.#signal('SIGKILL');
  }

  #signal(signal: NodeJS.Signals): void {
    if (this.pid !== undefined) signalGroup(this.pid, signal);
  }

  async #onExit(code: number | null, signal: NodeJS.Signals | null, closed: Promise<void>[]): Promise<void> {
    clearInterval(this.#memoryTimer);
    // Children of a process that is stopping may finish their work; those of a crashed process are killed.
    if (!this.#isStopping) this.#signal('SIGKILL');
    const { pid = 0 } = this;
    while (await groupLives(pid)) await sleep(groupInterval);
    clearTimeout(this.#killTimer);
    this.#launcher.forget(pid);
    await this.#identity?.end();
    for (const throttle of this.#throttles) throttle.end();
    // A process that has left the group may keep the output open forever.
    await Promise.race([Promise.all(closed), sleep(outputTimeout)]);
    this.#child?.stdout?.destroy();
    this.#child?.stderr?.destroy();
    this.#reportDropped();
    const status = signal ? `signal ${signal}` : `exit code ${code}`;
    const description = code === notStarted ? `can't be started: ${this.lastLines.at(-1) ?? status}` : status;
    const how = this.#killReason ? `killed: ${this.#killReason}` : description;
    this.#end.resolve({ how, clean: code === 0 && !this.#killReason });
  }

  #follow(stream: Readable | null, name: OutputStream): Promise<void> {
    if (!stream) return Promise.resolve();
    const lines = new OutputLines(maxLineLength, (line) => this.#onLine(line, name));
    const throttle = new OutputThrottle(stream);
    this.#throttles.push(throttle);
    stream.on('data', (chunk: Buffer) => {
      lines.push(chunk);
      throttle.add(chunk.length);
    });
    return new Promise((resolve) => {
      stream.once('close', () => {
        lines.end();
        resolve();
      });
      stream.once('error', () => stream.destroy());
    });
  }

  #onLine(line: string, stream: OutputStream): void {
    this.#output.add(line, stream, this.pid ?? 0);
    if (!this.#lineBucket.take()) {
      this.#dropped++;
      // Not read, as reading every line of a flood takes most of the controller's time.
      this.#lines.addUnread(line, stream);
      return;
    }
    const read = readLogLine(line, stream);
    const { level, message, fields } = read;
    this.#lines.add(read, stream);
    this.#reportDropped();
    this.#log[level]({ hostedPid: this.pid, ...(fields && { fields }) }, message);
  }

  #reportDropped(): void {
    if (this.#dropped === 0) return;
    this.#log.warn(`dropped ${this.#dropped} lines of output: more than ${seconds / lineLimit.interval} per second`);
    this.#dropped = 0;
  }

  #watchMemory(limit: number): void {
    const check = async () => {
      const used = this.pid === undefined ? undefined : await residentMemory(this.pid);
      if (used !== undefined && used > limit) {
        this.kill(`memory use of ${mebibytes(used)} exceeds the limit of ${mebibytes(limit)}`);
      }
    };
    this.#memoryTimer = setInterval(() => void check(), memoryInterval).unref();
  }
}

function mebibytes(bytes: number): string {
  return `${Math.ceil(bytes / 2 ** 20)} MiB`;
}
