/** Runs tasks in order, at most a number of them in one iteration of the event loop, so that many at once don't block it. */
export class Turns {
  readonly #perTurn: number;
  #waiting: (() => void)[] = [];
  #left: number;
  #isScheduled = false;

  constructor(perTurn: number) {
    this.#perTurn = perTurn;
    this.#left = perTurn;
  }

  /** Runs a task: immediately, unless others have used up this iteration. */
  run(task: () => void): void {
    if (!this.#isScheduled) {
      this.#isScheduled = true;
      setImmediate(() => this.#next());
    }
    if (this.#left === 0 || this.#waiting.length > 0) {
      this.#waiting.push(task);
      return;
    }
    this.#left--;
    task();
  }

  #next(): void {
    this.#isScheduled = false;
    this.#left = this.#perTurn;
    // Tasks that come meanwhile wait behind those that wait already.
    const waiting = this.#waiting;
    this.#waiting = waiting.slice(this.#perTurn);
    if (waiting.length === 0) return;
    this.#isScheduled = true;
    setImmediate(() => this.#next());
    this.#left -= Math.min(this.#left, waiting.length);
    for (const task of waiting.slice(0, this.#perTurn)) task();
  }
}
