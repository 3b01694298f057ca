import type fc from 'fast-check';
import type { World } from '../world.ts';

/** Something that a user, a plugin or a fault does. */
export interface Action {
  actor: 'user' | 'plugin' | 'fault' | 'controller' | 'time';
  /** Description for the history. */
  text: string;
  /** Reports whether the action is possible now. Default: it always is. */
  isPossible?: (world: World) => boolean;
  run: (world: World) => void | Promise<void>;
}

/** Command of fast-check: an action, and how many of the steps that wait then happen before the next command. */
export class Command implements fc.AsyncCommand<World, World, true> {
  readonly #action: Action;
  readonly #steps: number;

  constructor(action: Action, steps: number) {
    this.#action = action;
    this.#steps = steps;
  }

  async check(world: Readonly<World>): Promise<boolean> {
    return this.#action.isPossible?.(world as World) ?? true;
  }

  async run(world: World): Promise<void> {
    const { actor, text, run } = this.#action;
    world.happened({ type: 'action', actor, text });
    await run(world);
    world.commands++;
    await world.release(this.#steps);
  }

  toString(): string {
    const steps = Number.isFinite(this.#steps) ? ` (then ${this.#steps} steps)` : '';
    return `${this.#action.actor}: ${this.#action.text}${steps}`;
  }
}
