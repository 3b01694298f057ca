import { visitAll } from '../../queue/slices.ts';
import { findCondition } from '../../resources/conditions.ts';
import type { Resources } from '../../resources/port.ts';
import { keyOf, type Resource, type ResourceKey } from '../../resources/resource.ts';
import { isPaused } from '../control-annotations.ts';
import type { DelegationSettings } from '../delegation-settings.ts';

/** Base resources of one delegation: those of its kind that are in its namespaces and have its labels. */
export class Bases {
  readonly #settings: DelegationSettings;
  readonly #resources: Resources;

  constructor(settings: DelegationSettings, resources: Resources) {
    this.#settings = settings;
    this.#resources = resources;
  }

  /** Returns a base resource; `undefined` for a resource that isn't delegated. */
  get(key: ResourceKey): Resource | undefined {
    const base = this.#resources.get(key);
    return base && this.concerns(base) ? base : undefined;
  }

  /** Reports whether a resource of the base's kind is delegated. */
  concerns(resource: Resource): boolean {
    return isIncluded(resource, this.#settings);
  }

  /** Reports whether a resource is paused. */
  isPaused(key: ResourceKey): boolean {
    const base = this.#resources.get(key);
    return base !== undefined && isPaused(base);
  }

  /** Visits the known base resources in slices. Those that come meanwhile may be left out. */
  visit(visit: (base: Resource) => void, options?: { signal: AbortSignal }): Promise<void> {
    const visitKnown = (listed: Resource) => {
      const base = this.get(keyOf(listed));
      if (base) visit(base);
    };
    return visitAll(this.#resources.list(this.#settings.base), visitKnown, options);
  }

  /** Reports whether a resource waits to be deleted, or for the first call in its generation. */
  isUncalled(key: ResourceKey): boolean {
    const base = this.#resources.get(key);
    return (
      base?.metadata.deletionTimestamp !== undefined || findCondition(base?.status, 'Reconciled')?.status === 'Unknown'
    );
  }
}

/** Reports whether a delegation includes a resource of its base's kind, by its namespace and labels. */
export function isIncluded(
  { metadata: { namespace = '', labels = {} } }: Pick<Resource, 'metadata'>,
  { namespaces, labels: wanted }: Pick<DelegationSettings, 'namespaces' | 'labels'>,
): boolean {
  return (
    (namespaces?.has(namespace) ?? true) && Object.entries(wanted).every(([name, value]) => labels[name] === value)
  );
}
