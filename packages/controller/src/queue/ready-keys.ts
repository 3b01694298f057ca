/** A key that is ready to be worked on, with the time at which it became ready, by `performance.now()`. */
export interface ReadyKey<K> {
  key: K;
  since: number;
}

/** Keys that are ready to be worked on, in the order that a policy gives them. Each key is held once. */
export interface ReadyKeys<K> {
  /** Number of keys. */
  readonly size: number;
  has(key: K): boolean;
  /** Adds a key. A key that is held already keeps its place. */
  add(key: K): void;
  delete(key: K): void;
  clear(): void;
  /** Removes and returns the first key that may start; `undefined` if none may. */
  take(mayStart: (key: K) => boolean): ReadyKey<K> | undefined;
}

/** First in, first out. */
export class FifoKeys<K> implements ReadyKeys<K> {
  readonly #keys = new Map<K, number>();

  get size(): number {
    return this.#keys.size;
  }

  has(key: K): boolean {
    return this.#keys.has(key);
  }

  add(key: K): void {
    if (!this.#keys.has(key)) this.#keys.set(key, performance.now());
  }

  delete(key: K): void {
    this.#keys.delete(key);
  }

  clear(): void {
    this.#keys.clear();
  }

  take(mayStart: (key: K) => boolean): ReadyKey<K> | undefined {
    for (const [key, since] of this.#keys) {
      if (!mayStart(key)) continue;
      this.#keys.delete(key);
      return { key, since };
    }
    return undefined;
  }
}
