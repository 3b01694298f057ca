import type { ResourceKey } from '../../resources/resource.ts';
import { SetsByKey } from '../../sets-by-key.ts';

/** Index from extensions to the bases that reference them. */
export class ReferenceIndex {
  readonly #extensionsOf = new Map<ResourceKey, readonly ResourceKey[]>();
  readonly #basesOf = new SetsByKey<ResourceKey, ResourceKey>();

  /** Replaces the references of a base. */
  set(base: ResourceKey, extensions: Iterable<ResourceKey>): void {
    const keys = [...extensions];
    const former = this.#extensionsOf.get(base) ?? [];
    // Usually nothing has changed: each pass sets the references of its base.
    if (keys.length === former.length && keys.every((key, index) => key === former[index])) return;
    this.delete(base);
    if (keys.length === 0) return;
    this.#extensionsOf.set(base, keys);
    for (const key of keys) this.#basesOf.add(key, base);
  }

  /** Removes a base. */
  delete(base: ResourceKey): void {
    for (const key of this.#extensionsOf.get(base) ?? []) this.#basesOf.delete(key, base);
    this.#extensionsOf.delete(base);
  }

  /** Returns the bases that reference an extension. */
  basesOf(extension: ResourceKey): Iterable<ResourceKey> {
    return this.#basesOf.get(extension) ?? [];
  }

  /** Returns all extensions that a base references. */
  extensions(): Iterable<ResourceKey> {
    return this.#basesOf.keys();
  }
}
