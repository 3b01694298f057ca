/** Map of keys to sets of values. A key without values takes no memory. */
export class SetsByKey<K, V> {
  readonly #sets = new Map<K, Set<V>>();

  add(key: K, value: V): void {
    const values = this.#sets.get(key);
    if (values) values.add(value);
    else this.#sets.set(key, new Set([value]));
  }

  delete(key: K, value: V): void {
    const values = this.#sets.get(key);
    values?.delete(value);
    if (values?.size === 0) this.#sets.delete(key);
  }

  get(key: K): ReadonlySet<V> | undefined {
    return this.#sets.get(key);
  }

  /** Removes a key, and returns its values. */
  take(key: K): ReadonlySet<V> | undefined {
    const values = this.#sets.get(key);
    this.#sets.delete(key);
    return values;
  }

  keys(): Iterable<K> {
    return this.#sets.keys();
  }
}
