import { KplugError } from '../errors.ts';

interface Transition {
  aim: string;
  leaving: AbortController;
  /** Fulfilled when the aim is reached or was given up. */
  work: Promise<void>;
  state: 'under way' | 'reached' | 'failed';
  error?: unknown;
}

/**
 * What brings things from what they are to what they should be, by name. Each thing moves to one aim at a time; another aim ends
 * what the former one began.
 */
export class Transitions {
  readonly #byName = new Map<string, Transition>();
  readonly #onSettled: () => void;

  /** @param onSettled told when a transition has reached its aim, or failed to. */
  constructor(onSettled: () => void) {
    this.#onSettled = onSettled;
  }

  /**
   * Begins to move to an aim, unless that is under way or has been reached. Returns whether it has. The signal is aborted when
   * another aim takes its place. Throws what the last move to the same aim failed with, and forgets it, so that it is tried anew.
   */
  aim(name: string, aim: string, move: (signal: AbortSignal) => Promise<void>): boolean {
    const current = this.#byName.get(name);
    if (current?.aim === aim) {
      if (current.state !== 'failed') return current.state === 'reached';
      this.#byName.delete(name);
      throw current.error;
    }
    current?.leaving.abort(new KplugError('Stopped', `${name} has another aim now`));
    const transition: Transition = { aim, leaving: new AbortController(), work: Promise.resolve(), state: 'under way' };
    transition.work = this.#move(transition, current?.work, move);
    this.#byName.set(name, transition);
    return false;
  }

  /** Whether a thing moves or has moved. */
  has(name: string): boolean {
    return this.#byName.has(name);
  }

  /** Forgets a thing that has ended. */
  forget(name: string): void {
    this.#byName.delete(name);
  }

  /** Fulfilled when nothing moves. */
  async whenIdle(): Promise<void> {
    await Promise.all([...this.#byName.values()].map(({ work }) => work));
  }

  /** Gives up what moves. */
  async stop(): Promise<void> {
    for (const { leaving } of this.#byName.values()) leaving.abort(new KplugError('Stopped', 'the controller stops'));
    await this.whenIdle();
  }

  async #move(
    transition: Transition,
    former: Promise<void> | undefined,
    move: (signal: AbortSignal) => Promise<void>,
  ): Promise<void> {
    await former;
    const { signal } = transition.leaving;
    try {
      signal.throwIfAborted();
      await move(signal);
      transition.state = 'reached';
    } catch (error) {
      transition.state = 'failed';
      transition.error = error;
    }
    if (!signal.aborted) this.#onSettled();
  }
}
