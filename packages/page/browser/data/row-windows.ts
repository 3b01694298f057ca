import { type Problem, problemOf } from './problem.ts';

/** A part of a list, and the length of the whole list. */
interface Part<T> {
  readonly rows: readonly T[];
  readonly total: number;
}

interface Window<T> {
  readonly rows: readonly T[];
  /** Revision of the list that the rows are of. */
  readonly revision: number;
}

/** Number of rows of a window, and number of windows that are kept. */
const windowSize = 100;
const keptWindows = 12;

/** Time after which what failed is loaded again, in milliseconds. */
const retryPause = 5_000;

/** Rows of a long list, of which only the windows around what is visible are loaded and kept. */
export class RowWindows<T> {
  readonly #load: (offset: number, limit: number, signal: AbortSignal) => Promise<Part<T>>;
  readonly #onChange: () => void;
  readonly #windows = new Map<number, Window<T>>();
  readonly #loading = new Set<number>();
  readonly #abort = new AbortController();
  #revision = 0;
  #wanted: readonly number[] = [0];
  #total: number | undefined;
  #problem: Problem | undefined;

  constructor(load: (offset: number, limit: number, signal: AbortSignal) => Promise<Part<T>>, onChange: () => void) {
    this.#load = load;
    this.#onChange = onChange;
  }

  /** Length of the list; undefined before it is known. */
  get total(): number | undefined {
    return this.#total;
  }

  /** Problem of the last attempt to load; undefined if it succeeded. */
  get problem(): Problem | undefined {
    return this.#problem;
  }

  /** Row with an index; undefined while it isn't loaded. */
  row(index: number): T | undefined {
    return this.#windows.get(Math.floor(index / windowSize))?.rows[index % windowSize];
  }

  /** Loads what is visible, from the first to the last index, unless it is loaded. */
  want(first: number, last: number): void {
    const from = Math.floor(Math.max(0, first) / windowSize);
    const to = Math.floor(Math.max(0, last) / windowSize);
    this.#wanted = Array.from({ length: to - from + 1 }, (_, index) => from + index);
    this.#loadWanted();
  }

  /** Loads what is visible again, as it may have changed. The rows from before stay until then. */
  refresh(): void {
    this.#revision++;
    this.#loadWanted();
  }

  /** Ends all that is in progress. */
  close(): void {
    this.#abort.abort();
  }

  #loadWanted(): void {
    for (const index of this.#wanted) {
      if (this.#windows.get(index)?.revision === this.#revision || this.#loading.has(index)) continue;
      void this.#loadWindow(index);
    }
  }

  async #loadWindow(index: number): Promise<void> {
    const revision = this.#revision;
    const { signal } = this.#abort;
    this.#loading.add(index);
    try {
      const { rows, total } = await this.#load(index * windowSize, windowSize, signal);
      if (signal.aborted) return;
      this.#windows.delete(index);
      this.#windows.set(index, { rows, revision });
      this.#total = total;
      this.#problem = undefined;
      this.#forget();
    } catch (error) {
      if (signal.aborted) return;
      this.#problem = problemOf(error);
      // The next change may be long in coming.
      setTimeout(() => !signal.aborted && this.#loadWanted(), retryPause);
    } finally {
      this.#loading.delete(index);
    }
    this.#onChange();
    // What changed while it was loaded.
    if (!this.#problem && revision !== this.#revision) this.#loadWanted();
  }

  #forget(): void {
    for (const index of this.#windows.keys()) {
      if (this.#windows.size <= keptWindows) return;
      if (!this.#wanted.includes(index)) this.#windows.delete(index);
    }
  }
}
