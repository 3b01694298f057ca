import type fc from 'fast-check';
import type { Simulation } from '../simulation.ts';

/** Something that a user, a plugin or a fault does. */
export interface Action {
  actor: 'user' | 'plugin' | 'fault' | 'controller' | 'time';
  /** Description for the history. */
  text: string;
  /** Reports whether the action is possible now. Default: it always is. */
  isPossible?: (world: Simulation) => boolean;
  run: (world: Simulation) => void | Promise<void>;
}

/** Command of fast-check: an action, and how many of the steps that wait then happen before the next command. */
export class Command implements fc.AsyncCommand<Simulation, Simulation, true> {
  readonly #action: Action;
  readonly #steps: number;

  constructor(action: Action, steps: number) {
    this.#action = action;
    this.#steps = steps;
  }

  async check(world: Readonly<Simulation>): Promise<boolean> {
    return this.#action.isPossible?.(world as Simulation) ?? true;
  }

  async run(world: Simulation): Promise<void> {
    const { actor, text, run } = this.#action;
    world.act({ type: 'action', actor, text });
    await run(world);
    await world.release(this.#steps);
  }

  toString(): string {
    const steps = Number.isFinite(this.#steps) ? ` (then ${this.#steps} steps)` : '';
    return `${this.#action.actor}: ${this.#action.text}${steps}`;
  }
}
