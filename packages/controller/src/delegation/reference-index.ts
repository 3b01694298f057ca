import type { ResourceKey } from '../resources/resource.ts';

/** Which bases point to which extensions, so that a change of an extension finds its bases. */
export class ReferenceIndex {
  readonly #extensionsOf = new Map<ResourceKey, readonly ResourceKey[]>();
  readonly #basesOf = new Map<ResourceKey, Set<ResourceKey>>();

  /** Says to what a base points now. */
  set(base: ResourceKey, extensions: Iterable<ResourceKey>): void {
    this.delete(base);
    const keys = [...extensions];
    if (keys.length === 0) return;
    this.#extensionsOf.set(base, keys);
    for (const key of keys) {
      const bases = this.#basesOf.get(key);
      if (bases) bases.add(base);
      else this.#basesOf.set(key, new Set([base]));
    }
  }

  /** Forgets a base. */
  delete(base: ResourceKey): void {
    for (const key of this.#extensionsOf.get(base) ?? []) {
      const bases = this.#basesOf.get(key);
      bases?.delete(base);
      if (bases?.size === 0) this.#basesOf.delete(key);
    }
    this.#extensionsOf.delete(base);
  }

  /** The bases that point to an extension. */
  basesOf(extension: ResourceKey): Iterable<ResourceKey> {
    return this.#basesOf.get(extension) ?? [];
  }

  /** All extensions that some base points to. */
  extensions(): Iterable<ResourceKey> {
    return this.#basesOf.keys();
  }
}
