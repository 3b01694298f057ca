import { KplugError } from '../errors.ts';

/** Calls to one address. */
interface Line {
  active: number;
  waiting: Waiting[];
}

/** Call that waits for its slot. */
interface Waiting {
  limit: number;
  start: () => void;
  fail: (error: KplugError) => void;
}

/** Slot of a call, which is freed when it is disposed. */
export type CallSlot = Disposable;

/**
 * Slots for concurrent calls by address, for plugins that can't serve any number of them. They are counted by address, as one
 * process may have several instances and connections. Waiting calls start in the order in which they came.
 */
export class CallSlots {
  readonly #lines = new Map<string, Line>();
  #isClosed = false;

  /**
   * Waits for a slot. Rejects with `Stopped` when the slots are closed.
   *
   * @param limit largest number of concurrent calls to the address, this one included.
   */
  async take(address: string, limit: number): Promise<CallSlot> {
    if (this.#isClosed) throw stopped();
    const line = this.#lines.get(address) ?? { active: 0, waiting: [] };
    this.#lines.set(address, line);
    if (line.waiting.length === 0 && line.active < limit) line.active++;
    else await new Promise<void>((start, fail) => line.waiting.push({ limit, start, fail }));
    return { [Symbol.dispose]: () => this.#free(address, line) };
  }

  /** Number of calls that wait for a slot at an address. */
  waiting(address: string): number {
    return this.#lines.get(address)?.waiting.length ?? 0;
  }

  /** Number of all calls that wait. */
  get totalWaiting(): number {
    return [...this.#lines.values()].reduce((sum, { waiting }) => sum + waiting.length, 0);
  }

  /** Rejects all waiting calls and further ones. */
  close(): void {
    this.#isClosed = true;
    for (const { waiting } of this.#lines.values()) for (const { fail } of waiting.splice(0)) fail(stopped());
  }

  #free(address: string, line: Line): void {
    line.active--;
    for (let next = line.waiting[0]; next && line.active < next.limit; next = line.waiting[0]) {
      line.waiting.shift();
      line.active++;
      next.start();
    }
    if (line.active === 0) this.#lines.delete(address);
  }
}

function stopped(): KplugError {
  return new KplugError('Stopped', 'the controller is stopping');
}
