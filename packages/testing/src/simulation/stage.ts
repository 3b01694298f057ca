import type { Happening } from './history.ts';

/** Services that the parts of a simulation share. */
export interface Stage {
  /** Virtual time, in milliseconds since the start. */
  readonly now: number;
  /** Fulfilled when the scheduler lets this step happen. Steps that wait at the same time happen in any order. */
  step(label: string): Promise<void>;
  /** Records what happened, and checks the invariants. */
  happened(happening: Happening): void;
}

/** Waits for a duration of virtual time, in milliseconds. */
export function sleep(duration: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, duration));
}
