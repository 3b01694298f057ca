import { setTimeout as sleep } from 'node:timers/promises';

/** How long to wait for more when woken, as changes seldom come alone, in milliseconds. */
const gathering = 10;

/** Does something again and again, never twice at a time: when woken, and after as many milliseconds as it said itself. */
export class Loop {
  readonly #turn: () => Promise<number>;
  #running: Promise<void> | undefined;
  #woken = false;
  #stopped = false;
  #wakeUp: (() => void) | undefined;

  /** `turn` must not reject. */
  constructor(turn: () => Promise<number>) {
    this.#turn = turn;
  }

  /** Begins, after a number of milliseconds. */
  start(wait: number): void {
    this.#running = this.#run(wait);
  }

  /** Has the next turn come at once, or right after the one under way. */
  wake(): void {
    this.#woken = true;
    this.#wakeUp?.();
  }

  /** Waits for the turn under way and takes no other. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.wake();
    await this.#running;
  }

  async #run(firstWait: number): Promise<void> {
    let wait = firstWait;
    while (!this.#stopped) {
      await this.#pause(wait);
      if (this.#stopped) return;
      if (this.#woken) await sleep(gathering);
      this.#woken = false;
      wait = await this.#turn();
    }
  }

  #pause(wait: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, this.#woken ? 0 : wait);
      this.#wakeUp = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
