import { visitAll } from './slices.ts';

/** Walks in slices that are in progress. */
export class Walks {
  readonly #active = new Set<Promise<void>>();
  readonly #stopping = new AbortController();

  /** Number of walks in progress. */
  get size(): number {
    return this.#active.size;
  }

  /** Aborted when the walks are stopped. */
  get signal(): AbortSignal {
    return this.#stopping.signal;
  }

  /** Starts to visit items in slices. */
  visitAll<T>(items: Iterable<T>, visit: (item: T) => void): void {
    this.add(visitAll(items, visit, this.#stopping));
  }

  /** Adds a walk that has started, and that ends early when `signal` is aborted. */
  add(walk: Promise<void>): void {
    const ended = walk.finally(() => this.#active.delete(ended));
    this.#active.add(ended);
  }

  /** Fulfilled when no walk is in progress. */
  async whenEnded(): Promise<void> {
    while (this.#active.size > 0) await Promise.all(this.#active);
  }

  stop(): void {
    this.#stopping.abort();
  }
}
