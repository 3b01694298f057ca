/** Tells when things have stayed as they are for a while. */
export class Settling {
  readonly #time: number;
  readonly #since = new Map<string, { listing: string; at: number }>();

  /** @param time how long, in milliseconds. */
  constructor(time: number) {
    this.#time = time;
  }

  /** Whether something is waited for. */
  get isWaiting(): boolean {
    return this.#since.size > 0;
  }

  /** Whether something is as it was some time ago. If it isn't, that is asked again later. */
  has(name: string, listing: string): boolean {
    const before = this.#since.get(name);
    if (before?.listing === listing) return performance.now() - before.at >= this.#time;
    this.#since.set(name, { listing, at: performance.now() });
    return false;
  }

  /** It begins anew. */
  restart(name: string): void {
    this.#since.set(name, { listing: '', at: performance.now() });
  }

  /** It needn't settle any more. */
  forget(name: string): void {
    this.#since.delete(name);
  }
}
