import type { ResourceRequirement } from '../../clients/plugin-call.ts';
import { visitAll } from '../../queue/slices.ts';
import type { ResourceChange, Resources } from '../../resources/port.ts';
import { keyOf, type Resource, type ResourceKey } from '../../resources/resource.ts';
import { kindReference, referenceOf, referencesTo } from './requirement.ts';

/** Resources with one label. */
interface Labelled {
  keys: Set<ResourceKey>;
  /** Fulfilled when all existing resources have been looked at; `undefined` once they have. */
  pending: Promise<void> | undefined;
}

/** Resources with a label, for the labels that requirements select by, so that a pass doesn't look at all resources of a kind. */
export class LabelledResources {
  readonly #resources: Pick<Resources, 'get' | 'list'>;
  readonly #signal: AbortSignal;
  readonly #byReference = new Map<string, Labelled>();

  /** @param signal aborted when resources are no longer needed. */
  constructor(resources: Pick<Resources, 'get' | 'list'>, signal: AbortSignal) {
    this.#resources = resources;
    this.#signal = signal;
  }

  /** Looks for the resources of requirements by labels, in slices. Fulfilled when they are known. */
  async prepare(requirements: Iterable<ResourceRequirement>): Promise<void> {
    const byLabels = [...requirements].filter(({ name }) => name === '');
    const unknown = byLabels.filter((one) => !this.#byReference.has(referenceOf(one)));
    for (const group of Map.groupBy(unknown, kindReference).values()) this.#start(group);
    await Promise.all(byLabels.map((one) => this.#byReference.get(referenceOf(one))?.pending));
  }

  /** Returns the keys of the resources that a requirement by labels may select. */
  find(requirement: ResourceRequirement): Iterable<ResourceKey> {
    const reference = referenceOf(requirement);
    const known = this.#byReference.get(reference);
    if (known && !known.pending) return known.keys;
    const found = new Set<ResourceKey>();
    for (const one of this.#resources.list(requirement)) {
      if (referencesTo(one).includes(reference)) found.add(keyOf(one));
    }
    // The scope of the kind has become known since the requirement was stated.
    if (!known) this.#byReference.set(reference, { keys: found, pending: undefined });
    return found;
  }

  /** Records a change of a resource. */
  changed({ resource, previous, gone }: ResourceChange): void {
    const key = keyOf(resource);
    for (const reference of previous ? referencesTo(previous) : []) this.#byReference.get(reference)?.keys.delete(key);
    for (const reference of referencesTo(resource)) {
      const keys = this.#byReference.get(reference)?.keys;
      if (gone) keys?.delete(key);
      else keys?.add(key);
    }
  }

  /** Forgets references that are no longer used. */
  forget(references: Iterable<string>): void {
    for (const reference of references) this.#byReference.delete(reference);
  }

  /** Looks at the resources of one kind, once for all requirements. */
  #start(requirements: readonly ResourceRequirement[]): void {
    const [first] = requirements;
    if (!first) return;
    const wanted = new Map(requirements.map((one) => [referenceOf(one), new Set<ResourceKey>()]));
    const visit = (one: Resource) => {
      const key = keyOf(one);
      // It may have changed since the list began, which was recorded.
      if (this.#resources.get(key) !== one) return;
      for (const reference of referencesTo(one)) wanted.get(reference)?.add(key);
    };
    const pending = visitAll(this.#resources.list(first), visit, { signal: this.#signal }).then(() => {
      for (const reference of wanted.keys()) {
        const labelled = this.#byReference.get(reference);
        if (labelled?.pending === pending) labelled.pending = undefined;
      }
    });
    for (const [reference, keys] of wanted) this.#byReference.set(reference, { keys, pending });
  }
}
