import type { Logger } from 'pino';
import type { HostedPlugin, HostedState } from '../registry/hosted.ts';
import type { Instance } from '../registry/instance.ts';
import type { Registry } from '../registry/registry.ts';
import type { Reservations } from '../registry/reservations.ts';
import { messageOf, type Progress, stateOf } from './describe-progress.ts';
import { type Exit, HostedProcess } from './hosted-process.ts';
import type { Launcher } from './launch.ts';
import type { Program } from './program.ts';
import { tellingLine } from './telling-line.ts';

/** What the supervision of a plugin needs. */
export interface Supervision {
  registry: Registry;
  reservations: Reservations;
  launcher: Launcher;
  log: Logger;
  /** Where the processes beat to. */
  controller: () => string;
  /** Whether nothing may be started any more. */
  isHeld: () => boolean;
  /** Hears that something about a plugin changed. */
  onChange: () => void;
}

/** One plugin of the folder: starts it, starts it again, puts a new version in the place of the old one, and ends it. */
export class SupervisedPlugin {
  readonly name: string;
  readonly #deps: Supervision;
  /** What is to run. */
  #program: Program | undefined;
  #fault = '';
  /** The process of the program, once there is one. */
  #newest: HostedProcess | undefined;
  /** The one that is registered: the newest, or while that isn't, the one before it. */
  #serving: HostedProcess | undefined;
  readonly #processes = new Set<HostedProcess>();
  #removed = false;
  #ended = false;
  #failures = 0;
  #restarts = 0;
  #lastExit: string | undefined;
  #lastLines: readonly string[] = [];
  #known: { plugin: string; version: string } | undefined;
  #nextStart: { at: number; timer: NodeJS.Timeout } | undefined;
  #healthTimer: NodeJS.Timeout | undefined;
  #resetTimer: NodeJS.Timeout | undefined;
  #shown: { state: HostedState; since: number } = { state: 'starting', since: Date.now() };

  constructor(name: string, deps: Supervision) {
    this.name = name;
    this.#deps = deps;
  }

  /** How it fares now. */
  get status(): HostedPlugin {
    const newest = this.#newest ?? this.#serving;
    return {
      name: this.name,
      ...this.#shown,
      message: messageOf(this.#progress()),
      plugin: this.#known?.plugin,
      version: this.#known?.version,
      instanceId: newest?.reservation.instanceId,
      pid: newest?.pid,
      failures: this.#failures,
      restarts: this.#restarts,
      lastExit: this.#lastExit,
      lastLines: this.#lastLines,
      nextStartAt: this.#nextStart?.at,
    };
  }

  /** Whether there is nothing left of it. */
  get isGone(): boolean {
    return this.#removed && this.#processes.size === 0;
  }

  /** Starts a program, or puts it in the place of the one that runs. That one goes on until the new one is registered. */
  use(program: Program): void {
    const what = this.#program ? 'has changed: its new version is started' : 'is started';
    this.#deps.log.info({ hosted: this.name }, `${this.name} ${what}`);
    this.#removed = false;
    this.#forgetFailures();
    this.#program = program;
    this.#fault = '';
    const before = this.#newest;
    this.#newest = undefined;
    // One that never got as far as to serve isn't waited for.
    if (before && before !== this.#serving) this.#retire(before, 'it was replaced', program.drainTimeout);
    this.#start();
  }

  /** What is there now can't be started. What runs goes on. */
  reject(fault: string): void {
    if (this.#fault === fault) return;
    this.#fault = fault;
    const goesOn = this.#serving ? '; the one that runs goes on' : '';
    this.#deps.log.error({ hosted: this.name }, `${this.name} can't be started: ${fault}${goesOn}`);
    this.#changed();
  }

  /** Ends it, for good. */
  remove(why: string, grace?: number): void {
    this.#removed = true;
    this.#forgetFailures();
    clearTimeout(this.#healthTimer);
    this.#newest = undefined;
    this.#serving = undefined;
    for (const one of this.#processes) this.#retire(one, why, grace ?? one.program.drainTimeout);
    this.#changed();
  }

  /** Fulfilled when no process of it is left. */
  async whenEnded(): Promise<void> {
    await Promise.all([...this.#processes].map(({ ended }) => ended));
  }

  /** The instance of a process of this plugin has changed. */
  onInstance({ registration, state }: Instance): void {
    const { instanceId, plugin, version } = registration;
    const newest = this.#newest;
    if (newest?.reservation.instanceId !== instanceId || this.#removed) return;
    clearTimeout(this.#healthTimer);
    if (state !== 'live') {
      const { lostTimeout } = newest.program.health;
      this.#healthTimer = this.#killAfter(lostTimeout, newest, `it was not registered any more for ${lostTimeout} ms`);
      return;
    }
    this.#known = { plugin, version };
    if (this.#serving === newest) return;
    const before = this.#serving;
    this.#serving = newest;
    if (before) this.#retire(before, 'its replacement is registered', before.program.drainTimeout);
    const { resetAfter } = newest.program.restart;
    this.#resetTimer = setTimeout(() => {
      this.#forgetFailures();
      this.#changed();
    }, resetAfter).unref();
    this.#changed();
  }

  #start(): void {
    const program = this.#program;
    if (!program || this.#removed || this.#deps.isHeld()) return;
    const { reservations, launcher, log, controller } = this.#deps;
    const process = new HostedProcess(program, reservations.reserve(this.name), launcher, log);
    this.#nextStart = undefined;
    this.#ended = false;
    this.#newest = process;
    this.#processes.add(process);
    void process.ended.then((exit) => this.#onEnd(process, exit));
    void process.start(controller()).then(() => this.#changed());
    const { startTimeout } = program.health;
    clearTimeout(this.#healthTimer);
    this.#healthTimer = this.#killAfter(
      startTimeout,
      process,
      `it did not register, as the instance that KPLUG_INSTANCE_ID names, within ${startTimeout} ms`,
    );
    this.#changed();
  }

  #killAfter(time: number, process: HostedProcess, because: string): NodeJS.Timeout {
    return setTimeout(() => process.kill(because), time).unref();
  }

  /** Takes no new calls from now on, finishes what it has, and ends. */
  #retire(process: HostedProcess, why: string, grace: number): void {
    // Not within the registry's own change.
    queueMicrotask(() => this.#deps.registry.deregister(process.reservation.instanceId, why));
    process.stop(grace);
  }

  #onEnd(process: HostedProcess, exit: Exit): void {
    const { registry, reservations, log } = this.#deps;
    const { instanceId } = process.reservation;
    this.#processes.delete(process);
    reservations.release(instanceId);
    registry.evict(instanceId, `its process has ended: ${exit.how}`);
    if (this.#serving === process) this.#serving = undefined;
    if (this.#newest === process) {
      this.#newest = undefined;
      clearTimeout(this.#healthTimer);
      clearTimeout(this.#resetTimer);
      this.#onFailure(process, exit);
    } else {
      const which = this.#removed ? this.name : `the former process of ${this.name}`;
      log.info({ hosted: this.name }, `${which} has ended: ${exit.how}`);
    }
    this.#changed();
  }

  /** It ended by itself, which may be no failure, but is none of its owner's doing. */
  #onFailure({ program: { restart }, lastLines }: HostedProcess, { how, clean }: Exit): void {
    const { log } = this.#deps;
    this.#lastExit = how;
    this.#lastLines = lastLines;
    if (restart.policy === 'never' || (restart.policy === 'on-failure' && clean)) {
      this.#ended = true;
      log.warn(
        { hosted: this.name },
        `${this.name} has ended by itself (${how}), and its restart policy is ${restart.policy}`,
      );
      return;
    }
    const wait = Math.min(restart.maxBackOff, restart.initialBackOff * 2 ** Math.min(this.#failures, 30));
    this.#failures++;
    const timer = setTimeout(() => {
      this.#restarts++;
      this.#start();
    }, wait).unref();
    this.#nextStart = { at: Date.now() + wait, timer };
    const last = tellingLine(lastLines);
    const said = last ? `, having written: ${last}` : '';
    log.error(
      { hosted: this.name },
      `${this.name} has ended by itself (${how})${said}; it is started again in ${wait} ms`,
    );
  }

  #forgetFailures(): void {
    this.#failures = 0;
    clearTimeout(this.#resetTimer);
    clearTimeout(this.#nextStart?.timer);
    this.#nextStart = undefined;
  }

  #progress(): Progress {
    return {
      removed: this.#removed,
      ended: this.#ended,
      fault: this.#fault,
      failures: this.#failures,
      isServing: this.#serving !== undefined,
      isRunning: this.#newest !== undefined,
      isUpToDate: this.#newest !== undefined && this.#newest === this.#serving,
      lastExit: this.#lastExit,
      lastLine: tellingLine(this.#lastLines),
    };
  }

  #changed(): void {
    const state = stateOf(this.#progress());
    if (state !== this.#shown.state) this.#shown = { state, since: Date.now() };
    this.#deps.onChange();
  }
}
