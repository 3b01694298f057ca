import type { Logger } from 'pino';
import { isSameVersionedName, PluginName, type VersionedName } from '../names.ts';
import { backOffDelay } from '../queue/back-off.ts';
import type { WorkQueue } from '../queue/work-queue.ts';
import type { HostedPlugin, HostedState } from '../registry/hosted.ts';
import type { Instance } from '../registry/instance.ts';
import type { Registry } from '../registry/registry.ts';
import type { Reservations } from '../registry/reservations.ts';
import { describeProgress, lastOutput, type Progress, stateOf } from './describe-progress.ts';
import { type Exit, HostedProcess } from './hosted-process.ts';
import type { Launcher } from './launch.ts';
import { OutputLog } from './output-log.ts';
import type { Program } from './program.ts';

/** Parts that the plugins of a folder share. */
export interface Supervision {
  registry: Registry;
  reservations: Reservations;
  launcher: Launcher;
  log: Logger;
  /** Plugins that wait for their restart. */
  restarts: WorkQueue<SupervisedPlugin>;
  /** Returns the address that the processes send heartbeats to. */
  controller: () => string;
  /** Returns the number of a new line of output of any plugin. */
  nextLine: () => number;
  /** Reports whether no process may be started any more. */
  isHeld: () => boolean;
  /** Called when the status of a plugin has changed. */
  onChange: () => void;
  /** Called when a plugin runs other code than before, in the same version. */
  onNewCode: (plugin: VersionedName) => void;
}

/** Plugin of the folder: starts, restarts, replaces and stops its processes. */
export class SupervisedPlugin {
  readonly name: string;
  /** Last lines of output of all processes. */
  readonly output: OutputLog;
  readonly #deps: Supervision;
  /** Program to run. */
  #program: Program | undefined;
  #fault = '';
  /** Process of `#program`, once it was started. */
  #newest: HostedProcess | undefined;
  /** Registered process: the newest one, or its predecessor until the newest one has registered. */
  #serving: HostedProcess | undefined;
  readonly #processes = new Set<HostedProcess>();
  #removed = false;
  #ended = false;
  #failures = 0;
  #restarts = 0;
  #lastExit: string | undefined;
  #lastLines: readonly string[] = [];
  #known: { plugin: string; version: string } | undefined;
  /** Plugin that registered last, and its program. */
  #served: (VersionedName & { program: Program }) | undefined;
  #healthTimer: NodeJS.Timeout | undefined;
  #resetTimer: NodeJS.Timeout | undefined;
  #shown: { state: HostedState; since: number } = { state: 'starting', since: Date.now() };

  constructor(name: string, deps: Supervision) {
    this.name = name;
    this.#deps = deps;
    this.output = new OutputLog(deps.nextLine);
  }

  /** Current status. */
  get status(): HostedPlugin {
    const newest = this.#newest ?? this.#serving;
    const progress = this.#progress();
    return {
      name: this.name,
      ...this.#shown,
      message: describeProgress(progress),
      summary: describeProgress({ ...progress, lastLines: [] }),
      plugin: this.#known?.plugin,
      version: this.#known?.version,
      instanceId: newest?.reservation.instanceId,
      pid: newest?.pid,
      failures: this.#failures,
      restarts: this.#restarts,
      lastExit: this.#lastExit,
      lastLines: this.#lastLines,
      nextStartAt: this.#deps.restarts.dueAt(this),
    };
  }

  /** True if the plugin was removed and has no process left. */
  get isGone(): boolean {
    return this.#removed && this.#processes.size === 0;
  }

  /** Starts a program. A running version continues until the new one has registered. */
  use(program: Program): void {
    const message = this.#program ? `${this.name} has changed; starting the new version` : `starting ${this.name}`;
    this.#deps.log.info({ hosted: this.name }, message);
    this.#removed = false;
    this.#forgetFailures();
    this.#program = program;
    this.#fault = '';
    const former = this.#newest;
    this.#newest = undefined;
    // A version that has never registered has no calls in flight.
    if (former && former !== this.#serving) this.#retire(former, 'replaced by a new version', program.drainTimeout);
    this.#start();
  }

  /** Reports that the current file can't be started. A running version continues. */
  reject(fault: string): void {
    if (this.#fault === fault) return;
    this.#fault = fault;
    const note = this.#serving ? '; the running version continues' : '';
    this.#deps.log.error({ hosted: this.name }, `${this.name} can't be started: ${fault}${note}`);
    this.#changed();
  }

  /** Stops all processes permanently. `grace` is the time that they may take, in milliseconds; default: the drain timeout of each. */
  remove(reason: string, grace?: number): void {
    this.#removed = true;
    this.#forgetFailures();
    clearTimeout(this.#healthTimer);
    this.#newest = undefined;
    this.#serving = undefined;
    for (const one of this.#processes) this.#retire(one, reason, grace ?? one.program.drainTimeout);
    this.#changed();
  }

  /** Starts the program again after a failure. */
  restart(): void {
    this.#restarts++;
    this.#start();
  }

  /** Fulfilled when all processes have exited. */
  async whenEnded(): Promise<void> {
    await Promise.all([...this.#processes].map(({ ended }) => ended));
  }

  /** Takes a change of an instance into account, if the instance is the newest process of this plugin. */
  onInstance({ registration, state }: Instance): void {
    const { instanceId, plugin, version } = registration;
    const newest = this.#newest;
    if (newest?.reservation.instanceId !== instanceId || this.#removed) return;
    clearTimeout(this.#healthTimer);
    if (state !== 'live') {
      const { lostTimeout } = newest.program.health;
      this.#healthTimer = this.#killAfter(lostTimeout, newest, `not registered for ${lostTimeout} ms`);
      return;
    }
    this.#known = { plugin, version };
    if (this.#serving === newest) return;
    const former = this.#serving;
    this.#serving = newest;
    if (former) this.#retire(former, 'the new version has registered', former.program.drainTimeout);
    this.#noteCode(newest.program, { plugin: new PluginName(plugin), version });
    const { resetAfter } = newest.program.restart;
    this.#resetTimer = setTimeout(() => {
      this.#forgetFailures();
      this.#changed();
    }, resetAfter).unref();
    this.#changed();
  }

  /** Reports new code in the same version: the choice of plugins doesn't change by it. */
  #noteCode(program: Program, served: VersionedName): void {
    const former = this.#served;
    this.#served = { ...served, program };
    if (!former || former.program === program || !isSameVersionedName(former, served)) return;
    // After the former process has been taken out of service.
    queueMicrotask(() => this.#deps.onNewCode(served));
  }

  #start(): void {
    const program = this.#program;
    if (!program || this.#removed || this.#deps.isHeld()) return;
    const { reservations, launcher, log, controller } = this.#deps;
    const process = new HostedProcess(program, reservations.reserve(this.name), launcher, log, this.output);
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
      `did not register with the instance ID in KPLUG_INSTANCE_ID within ${startTimeout} ms`,
    );
    this.#changed();
  }

  #killAfter(time: number, process: HostedProcess, reason: string): NodeJS.Timeout {
    return setTimeout(() => process.kill(reason), time).unref();
  }

  /** Takes a process out of service: it gets no new calls, finishes those in flight, and exits. */
  #retire(process: HostedProcess, reason: string, grace: number): void {
    // Deferred, as this may run within a change of the registry.
    queueMicrotask(() => this.#deps.registry.markDraining(process.reservation.instanceId, reason));
    process.stop(grace);
  }

  #onEnd(process: HostedProcess, exit: Exit): void {
    const { registry, reservations, log } = this.#deps;
    const { instanceId } = process.reservation;
    this.#processes.delete(process);
    reservations.release(instanceId);
    registry.evict(instanceId, `its process exited: ${exit.how}`);
    if (this.#serving === process) this.#serving = undefined;
    if (this.#newest === process) {
      this.#newest = undefined;
      clearTimeout(this.#healthTimer);
      clearTimeout(this.#resetTimer);
      this.#onFailure(process, exit);
    } else {
      const which = this.#removed ? this.name : `the former process of ${this.name}`;
      log.info({ hosted: this.name }, `${which} exited: ${exit.how}`);
    }
    this.#changed();
  }

  /** Handles an unexpected exit according to the restart policy. */
  #onFailure({ program: { restart }, lastLines }: HostedProcess, { how, clean }: Exit): void {
    const { log, restarts } = this.#deps;
    this.#lastExit = how;
    this.#lastLines = lastLines;
    const output = lastOutput(lastLines);
    const exited = `${this.name} exited: ${how}${output ? `; last output: ${output}` : ''}`;
    if (restart.policy === 'never' || (restart.policy === 'on-failure' && clean)) {
      this.#ended = true;
      log.warn({ hosted: this.name }, `${exited}; not restarting, as its restart policy is ${restart.policy}`);
      return;
    }
    this.#failures++;
    const { initialBackOff: initial, maxBackOff: max } = restart;
    // Without jitter, so that the delays are the documented ones.
    const delay = backOffDelay(this.#failures, { initial, max }, () => 1);
    restarts.addAfter(this, delay);
    log.error({ hosted: this.name }, `${exited}; restarting in ${delay} ms`);
  }

  #forgetFailures(): void {
    this.#failures = 0;
    clearTimeout(this.#resetTimer);
    this.#deps.restarts.remove(this);
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
      lastLines: this.#lastLines,
    };
  }

  #changed(): void {
    const state = stateOf(this.#progress());
    if (state !== this.#shown.state) this.#shown = { state, since: Date.now() };
    this.#deps.onChange();
  }
}
