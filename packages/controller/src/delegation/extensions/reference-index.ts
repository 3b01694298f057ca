import type { ResourceKey } from '../../resources/resource.ts';
import { SetsByKey } from '../../sets-by-key.ts';

/** Index from other resources, by their keys or by what selects them, to the bases that use them. */
export class ReferenceIndex {
  readonly #referencedBy = new Map<ResourceKey, readonly string[]>();
  readonly #basesOf = new SetsByKey<string, ResourceKey>();

  /** Replaces the references of a base. Returns those that no base has any more. */
  set(base: ResourceKey, references: Iterable<string>): string[] {
    const keys = [...references];
    const former = this.#referencedBy.get(base) ?? [];
    // Usually nothing has changed: each pass sets the references of its base.
    if (keys.length === former.length && keys.every((key, index) => key === former[index])) return [];
    this.delete(base);
    if (keys.length === 0) return this.#unused(former);
    this.#referencedBy.set(base, keys);
    for (const key of keys) this.#basesOf.add(key, base);
    return this.#unused(former);
  }

  /** Removes a base. Returns the references that no base has any more. */
  delete(base: ResourceKey): string[] {
    const former = this.#referencedBy.get(base) ?? [];
    for (const key of former) this.#basesOf.delete(key, base);
    this.#referencedBy.delete(base);
    return this.#unused(former);
  }

  /** Returns the bases with a reference. */
  basesOf(reference: string): Iterable<ResourceKey> {
    return this.#basesOf.get(reference) ?? [];
  }

  /** Returns all references. */
  referenced(): Iterable<string> {
    return this.#basesOf.keys();
  }

  #unused(references: readonly string[]): string[] {
    return references.filter((reference) => this.#basesOf.get(reference) === undefined);
  }
}
