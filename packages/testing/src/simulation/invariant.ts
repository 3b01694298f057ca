import type { Happening } from './history.ts';
import type { Simulation } from './simulation.ts';

/** Property that holds at each step of a run, or at its end. A violation is described in a sentence. */
export interface Invariant {
  readonly name: string;
  /** The property, in a sentence. */
  readonly sentence: string;
  /** Receives each step. Returns a violation. */
  observe?(happening: Happening, world: Simulation): string | undefined;
  /** Checks the state that is reached when all faults have ceased and time has passed. Returns a violation. */
  atRest?(world: Simulation): string | undefined;
}

/** Violation of an invariant, with the history that led to it. */
export class InvariantViolated extends Error {
  override readonly name = 'InvariantViolated';
  readonly invariant: string;

  constructor({ name, sentence }: Invariant, violation: string, history: string) {
    super(`${name}: ${violation}\nInvariant: ${sentence}\nHistory:\n${history}`);
    this.invariant = name;
  }
}
