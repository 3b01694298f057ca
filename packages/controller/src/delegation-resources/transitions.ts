import { KplugError } from '../errors.ts';

interface Transition {
  target: string;
  cancellation: AbortController;
  /** Fulfilled when the target is reached, or the transition failed or was cancelled. */
  work: Promise<void>;
  state: 'running' | 'reached' | 'failed';
  error?: unknown;
}

/**
 * Transitions of named objects to a target state. Each object has one transition at a time; another target cancels the current
 * one and waits for its end.
 */
export class Transitions {
  readonly #byName = new Map<string, Transition>();
  readonly #onSettled: () => void;

  /** @param onSettled called when a transition has reached its target or failed. */
  constructor(onSettled: () => void) {
    this.#onSettled = onSettled;
  }

  /**
   * Starts a transition unless the object is in it or has reached the target. Returns whether it has. `run` gets a signal that is
   * aborted when another target replaces this one. Throws the error of a failed transition to the same target once; the next call
   * retries it.
   */
  start(name: string, target: string, run: (signal: AbortSignal) => Promise<void>): boolean {
    const current = this.#byName.get(name);
    if (current?.target === target) {
      if (current.state !== 'failed') return current.state === 'reached';
      this.#byName.delete(name);
      throw current.error;
    }
    current?.cancellation.abort(new KplugError('Stopped', `${name} has another target`));
    const transition: Transition = {
      target,
      cancellation: new AbortController(),
      work: Promise.resolve(),
      state: 'running',
    };
    transition.work = this.#run(transition, current?.work, run);
    this.#byName.set(name, transition);
    return false;
  }

  /** Reports whether an object has had a transition. */
  has(name: string): boolean {
    return this.#byName.has(name);
  }

  /** Forgets an object. */
  forget(name: string): void {
    this.#byName.delete(name);
  }

  /** Fulfilled when no transition is running. */
  async whenIdle(): Promise<void> {
    await Promise.all([...this.#byName.values()].map(({ work }) => work));
  }

  /** Cancels all transitions. Fulfilled when they have ended. */
  async stop(): Promise<void> {
    const reason = new KplugError('Stopped', 'the controller is stopping');
    for (const { cancellation } of this.#byName.values()) cancellation.abort(reason);
    await this.whenIdle();
  }

  async #run(
    transition: Transition,
    former: Promise<void> | undefined,
    run: (signal: AbortSignal) => Promise<void>,
  ): Promise<void> {
    await former;
    const { signal } = transition.cancellation;
    try {
      signal.throwIfAborted();
      await run(signal);
      transition.state = 'reached';
    } catch (error) {
      transition.state = 'failed';
      transition.error = error;
    }
    if (!signal.aborted) this.#onSettled();
  }
}
