import { KplugError } from '../errors.ts';
import { LinkedList, ListEntry } from './linked-list.ts';

/** Calls to one target. */
interface Line {
  active: number;
  readonly waiting: LinkedList<WaitingCall>;
}

/** Call that waits for its slot. */
interface WaitingCall {
  limit: number;
  start: () => void;
  fail: (error: KplugError) => void;
}

/** Slot of a call, which is freed when it is disposed. */
export type CallSlot = Disposable;

/** Slots for concurrent calls to each of several targets. Waiting calls start in the order in which they came. */
export class CallSlots {
  readonly #lines = new Map<string, Line>();
  #isClosed = false;

  /**
   * Waits for a slot. Rejects with `Stopped` when the slots are closed.
   *
   * @param limit largest number of concurrent calls to the target, this one included.
   */
  async take(target: string, limit: number): Promise<CallSlot> {
    if (this.#isClosed) throw stopped();
    const line = this.#lines.get(target) ?? { active: 0, waiting: new LinkedList() };
    this.#lines.set(target, line);
    if (!line.waiting.first && line.active < limit) line.active++;
    else await new Promise<void>((start, fail) => line.waiting.push(new ListEntry({ limit, start, fail })));
    return { [Symbol.dispose]: () => this.#free(target, line) };
  }

  /** Number of calls that wait for a slot at a target. */
  waiting(target: string): number {
    return this.#lines.get(target)?.waiting.size ?? 0;
  }

  /** Number of calls that wait for a slot. */
  get totalWaiting(): number {
    return [...this.#lines.values()].reduce((sum, { waiting }) => sum + waiting.size, 0);
  }

  /** Rejects all waiting calls and further ones. */
  close(): void {
    this.#isClosed = true;
    for (const { waiting } of this.#lines.values()) {
      for (let entry = waiting.first; entry; entry = waiting.first) {
        waiting.remove(entry);
        entry.value.fail(stopped());
      }
    }
  }

  #free(target: string, line: Line): void {
    line.active--;
    for (let next = line.waiting.first; next && line.active < next.value.limit; next = line.waiting.first) {
      line.waiting.remove(next);
      line.active++;
      next.value.start();
    }
    if (line.active === 0) this.#lines.delete(target);
  }
}

function stopped(): KplugError {
  return new KplugError('Stopped', 'the controller is stopping');
}
