/** Tracks entries until they have been unchanged for a time. */
export class Settling {
  readonly #time: number;
  readonly #since = new Map<string, { listing: string; at: number }>();

  /** @param time settle time, in milliseconds. */
  constructor(time: number) {
    this.#time = time;
  }

  /** True if an entry is settling. */
  get isPending(): boolean {
    return this.#since.size > 0;
  }

  /** Reports whether an entry has had the same listing for the settle time. Otherwise the entry is settling; ask again later. */
  hasSettled(name: string, listing: string): boolean {
    const since = this.#since.get(name);
    if (since?.listing === listing) return performance.now() - since.at >= this.#time;
    this.#since.set(name, { listing, at: performance.now() });
    return false;
  }

  /** Restarts the settle time of an entry. */
  restart(name: string): void {
    this.#since.set(name, { listing: '', at: performance.now() });
  }

  /** Forgets an entry, which is no longer settling. */
  forget(name: string): void {
    this.#since.delete(name);
  }
}
