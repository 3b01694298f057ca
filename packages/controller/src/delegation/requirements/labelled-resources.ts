import type { ResourceChange } from '../../resources/port.ts';
import { keyOf, type Resource, type ResourceKey } from '../../resources/resource.ts';
import { referencesTo } from './requirement.ts';

/** Resources with a label, for the labels that requirements select by, so that a pass doesn't look at all resources of a kind. */
export class LabelledResources {
  readonly #byReference = new Map<string, Set<ResourceKey>>();

  /**
   * Returns the keys of the resources that a reference may select.
   *
   * @param list lists all resources of the kind. It is called for the first use of the reference.
   */
  find(reference: string, list: () => Iterable<Resource>): Iterable<ResourceKey> {
    const known = this.#byReference.get(reference);
    if (known) return known;
    const found = new Set<ResourceKey>();
    for (const one of list()) if (referencesTo(one).includes(reference)) found.add(keyOf(one));
    this.#byReference.set(reference, found);
    return found;
  }

  /** Records a change of a resource. */
  changed({ resource, previous, gone }: ResourceChange): void {
    const key = keyOf(resource);
    for (const reference of previous ? referencesTo(previous) : []) this.#byReference.get(reference)?.delete(key);
    for (const reference of referencesTo(resource)) {
      const keys = this.#byReference.get(reference);
      if (gone) keys?.delete(key);
      else keys?.add(key);
    }
  }

  /** Forgets references that are no longer used. */
  forget(references: Iterable<string>): void {
    for (const reference of references) this.#byReference.delete(reference);
  }
}
