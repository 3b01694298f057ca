import type { WriteKind } from './history.ts';

/**
 * Fate of a write.
 *
 * - `refused`: the write fails and changes nothing.
 * - `lost`: the write is made, but its answer is lost, so that it seems to have failed.
 * - `slow`: the request takes long to arrive.
 * - `late`: the write is made, and its answer takes long to arrive.
 */
export type WriteFate = 'refused' | 'lost' | 'slow' | 'late';

/** Fault of writes, until it has met `count` of them. */
export interface WriteFault {
  fate: WriteFate;
  /** Kind of the writes that it meets. Default: any. */
  kind?: WriteKind;
  count: number;
}

/** Faults of the writes of all controllers. */
export class WriteFaults {
  #faults: WriteFault[] = [];
  /** Reports whether the schema of tables refuses the fields of plugins in a status. */
  refusesAnswers = false;

  add(fault: WriteFault): void {
    this.#faults.push({ ...fault });
  }

  clear(): void {
    this.#faults = [];
    this.refusesAnswers = false;
  }

  /** Returns the fate of the next write of a kind, and counts it. */
  next(kind: WriteKind): WriteFate | undefined {
    const fault = this.#faults.find((one) => one.kind === undefined || one.kind === kind);
    if (!fault) return undefined;
    fault.count--;
    if (fault.count <= 0) this.#faults = this.#faults.filter((one) => one !== fault);
    return fault.fate;
  }
}
