import type { Resource } from '@kplug/controller';
import type { Scheduler } from 'fast-check';
import { Cluster } from './cluster.ts';
import { type CallRecord, type Happening, History } from './history.ts';
import { type Invariant, InvariantViolated } from './invariant.ts';
import { createInvariants } from './invariants/index.ts';
import { pluginsOf } from './invariants/statuses-are-true.ts';
import { tableKey } from './kinds.ts';
import { type Ledger, note } from './ledger.ts';
import { Noise } from './noise.ts';
import { type PluginIdentity, PluginProcess } from './plugin-process.ts';
import { type Declaration, declare, type Scenario } from './scenario.ts';
import { SimulatedController } from './simulated-controller.ts';
import type { Simulation } from './simulation.ts';
import { VirtualTime } from './virtual-time.ts';

/** Time after the last fault in which everything settles, in milliseconds: more than each back-off and interval between probes. */
const settlingTime = 150_000;

/** Largest number of steps at one time. */
const maxStepsAtOneTime = 5_000;

const timePasses: Invariant = {
  name: 'loops-pause',
  sentence: `At most ${maxStepsAtOneTime} steps happen without time passing.`,
};

/** One run: a cluster, a controller that leads, and processes of plugins, in virtual time. */
export class World implements Simulation, AsyncDisposable {
  readonly scenario: Scenario;
  readonly cluster = new Cluster();
  readonly history = new History();
  readonly ledger: Ledger = new Map();
  readonly processes: PluginProcess[] = [];
  readonly #scheduler: Scheduler;
  readonly #time: VirtualTime;
  readonly #noise: Noise;
  readonly #invariants = createInvariants();
  readonly #controllers: SimulatedController[] = [];
  #declaration: Declaration;
  #calls = 0;
  /** Number of steps at the time `#busyAt`. */
  #busy = 0;
  #busyAt = 0;
  #violation: InvariantViolated | undefined;
  /** Reports whether the delegation has ever been restricted to tables with a label. */
  hasNarrowed = false;
  /** Number of commands so far. */
  commands = 0;
  /** Number of steps that the scheduler has let happen. */
  released = 0;

  constructor(scenario: Scenario, scheduler: Scheduler) {
    this.scenario = scenario;
    this.#declaration = scenario.declaration;
    this.#scheduler = scheduler;
    this.#time = new VirtualTime();
    this.#noise = new Noise(scenario.noise);
    this.startController();
  }

  get now(): number {
    return this.#time.now;
  }

  /** Settings of the delegation now. */
  get declaration(): Declaration {
    return this.#declaration;
  }

  /** Controller that leads, if one does. */
  get leader(): SimulatedController | undefined {
    return this.#controllers.findLast((one) => one.isRunning);
  }

  get upProcesses(): PluginProcess[] {
    return this.processes.filter(({ isUp }) => isUp);
  }

  controller(name: string): SimulatedController | undefined {
    return this.#controllers.find((one) => one.name === name);
  }

  /** Reports whether the delegation concerns a table. */
  concerns({ metadata: { labels } }: Resource): boolean {
    const { team } = this.#declaration;
    return team === undefined || labels?.team === team;
  }

  /** Reports whether the last calls for a table ended with an answer after which the controller waits for a change. */
  hasGivenUp(table: Resource): boolean {
    const last = new Map<string, CallRecord>();
    for (const call of this.ledger.get(table.metadata.uid) ?? []) last.set(call.plugin.toLowerCase(), call);
    // The failure of a plugin that handed the resource over doesn't count.
    const present = pluginsOf(table).map(({ name }) => name.toLowerCase());
    for (const name of table.metadata.deletionTimestamp ? [] : last.keys())
      if (!present.includes(name)) last.delete(name);
    const failed = [...last.values()].filter(({ outcome }) => outcome !== 'success');
    return failed.length > 0 && failed.every(({ outcome }) => outcome === 'terminal');
  }

  async step(label: string): Promise<void> {
    await this.#scheduler.schedule(Promise.resolve(), label);
  }

  happened(happening: Happening): void {
    this.history.add(this.now, happening);
    note(this.ledger, happening);
    for (const invariant of this.#invariants) {
      const violation = invariant.observe?.(happening, this);
      if (violation) this.#violate(invariant, violation);
    }
  }

  act(happening: Extract<Happening, { type: 'action' }>): void {
    this.commands++;
    this.happened(happening);
  }

  startController(): void {
    const name = `controller-${this.#controllers.length + 1}`;
    const surroundings = {
      stage: this,
      cluster: this.cluster,
      processAt: (address: string) => this.processes.find((one) => one.identity.address === address),
      nextCall: () => {
        this.#calls++;
        return this.#calls;
      },
    };
    this.#controllers.push(new SimulatedController(name, declare(this.#declaration), surroundings));
    for (const process of this.upProcesses) void process.register();
  }

  startProcess(plugin: string, version: string, apiVersion: string): void {
    const number = this.processes.length + 1;
    const identity: PluginIdentity = {
      plugin,
      version,
      apiVersion,
      instanceId: `${plugin.toLowerCase()}-${number}`,
      address: `10.0.1.${number}:7000`,
    };
    const port = {
      register: (process: PluginProcess) => this.leader?.register(process),
      beat: (process: PluginProcess) => this.leader?.beat(process) ?? true,
      deregister: (process: PluginProcess) => this.leader?.deregister(process),
      sessionEnded: (process: PluginProcess) => this.leader?.sessionEnded(process),
    };
    this.processes.push(new PluginProcess(identity, this, port));
  }

  changeDelegation(change: Partial<Declaration>): void {
    this.#declaration = { ...this.#declaration, ...change };
    if (this.#declaration.team) this.hasNarrowed = true;
    this.leader?.changeDelegation(declare(this.#declaration));
  }

  deleteTable(name: string): void {
    this.cluster.store.delete(tableKey(name));
  }

  /** Suspends the controller, and with it everything, for a time. */
  stall(duration: number): void {
    this.#time.jump(duration);
  }

  /** Throws if too much happens without time passing: a loop without a pause. */
  #countAtOneTime(): void {
    if (this.now !== this.#busyAt) {
      this.#busyAt = this.now;
      this.#busy = 0;
    }
    this.#busy++;
    if (this.#busy > maxStepsAtOneTime) {
      this.#violate(timePasses, `more than ${maxStepsAtOneTime} steps happened at ${this.now} ms`);
    }
  }

  /** Lets up to `most` of the waiting steps happen, in any order. Throws a violation. */
  async release(most = Number.POSITIVE_INFINITY): Promise<void> {
    await this.#time.settle();
    this.#countAtOneTime();
    for (let count = 0; count < most && this.#scheduler.count() > 0; count++) {
      await this.#scheduler.waitOne();
      await this.#time.settle();
      this.released++;
      this.#countAtOneTime();
      this.check();
    }
    this.check();
  }

  /** Advances the time, with all steps that happen meanwhile. */
  async pass(duration: number): Promise<void> {
    await this.#time.advance(duration, () => this.release());
  }

  /** Ends all faults, lets time pass, and checks the state that is reached. */
  async rest(): Promise<void> {
    this.#heal();
    await this.pass(settlingTime);
    for (const invariant of this.#invariants) {
      const violation = invariant.atRest?.(this);
      if (violation) this.#violate(invariant, violation);
    }
    this.check();
  }

  /** Stops the controller and checks that nothing happens afterwards. */
  async end(): Promise<void> {
    for (const controller of this.#controllers) void controller.stop();
    await this.pass(30_000);
    const running = this.#controllers.find((one) => !one.isStopped);
    if (running) throw new Error(`${running.name} did not stop`);
    this.startProcess('Late', '1.0.0', '1.0.0');
    await this.pass(30_000);
  }

  /** Throws the violation of an invariant, if there is one. */
  check(): void {
    if (this.#violation) throw this.#violation;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#noise[Symbol.dispose]();
    this.#time[Symbol.dispose]();
  }

  #heal(): void {
    this.happened({ type: 'action', actor: 'fault', text: 'all faults cease' });
    this.cluster.faults.clear();
    this.cluster.restoreWatches();
    for (const process of this.upProcesses) {
      process.behaviour = { type: 'works', delay: 0 };
      process.serve(true);
      process.thaw();
    }
    if (!this.leader) this.startController();
  }

  #violate(invariant: Invariant, violation: string): void {
    this.#violation ??= new InvariantViolated(invariant, violation, this.history.format());
  }
}
