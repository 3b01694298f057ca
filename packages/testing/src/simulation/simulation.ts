import type { Resource } from '@kplug/controller';
import type { Cluster } from './cluster.ts';
import type { Happening, History } from './history.ts';
import type { Ledger } from './ledger.ts';
import type { PluginProcess } from './plugin-process.ts';
import type { Declaration, Scenario } from './scenario.ts';
import type { SimulatedController } from './simulated-controller.ts';
import type { Stage } from './stage.ts';

/** One run, as its actions and invariants see it. */
export interface Simulation extends Stage {
  readonly scenario: Scenario;
  readonly cluster: Cluster;
  readonly history: History;
  readonly ledger: Ledger;
  /** Settings of the delegation now. */
  readonly declaration: Declaration;
  /** Reports whether the delegation has ever been restricted to tables with a label. */
  readonly hasNarrowed: boolean;
  /** Controller that leads, if one does. */
  readonly leader: SimulatedController | undefined;
  /** Processes of plugins that run. */
  readonly upProcesses: readonly PluginProcess[];
  controller(name: string): SimulatedController | undefined;
  /** Reports whether the delegation concerns a table. */
  concerns(table: Resource): boolean;
  /** Reports whether the last calls for a table ended with an answer after which the controller waits for a change. */
  hasGivenUp(table: Resource): boolean;

  /** Counts and records an action. */
  act(happening: Extract<Happening, { type: 'action' }>): void;
  startController(): void;
  startProcess(plugin: string, version: string, apiVersion: string): void;
  deleteTable(name: string): void;
  changeDelegation(change: Partial<Declaration>): void;
  /** Suspends the controller, and with it everything, for a time. */
  stall(duration: number): void;
  /** Lets up to `most` of the waiting steps happen, in any order. Throws a violation. */
  release(most?: number): Promise<void>;
  /** Advances the time, with all steps that happen meanwhile. */
  pass(duration: number): Promise<void>;
}
