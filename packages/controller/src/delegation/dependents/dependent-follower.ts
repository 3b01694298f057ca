import type { ResourceChange, Resources } from '../../resources/port.ts';
import { formatKey, type Resource, type ResourceKey } from '../../resources/resource.ts';
import type { DelegationSettings } from '../declaration.ts';
import { readInventory } from './inventory.ts';

/** Follows the resources that are kept for bases, so that their plugins see what becomes of them. */
export class DependentFollower {
  readonly #settings: DelegationSettings;
  readonly #resources: Resources;
  readonly #requeue: (base: ResourceKey) => void;
  readonly #writing = new Set<ResourceKey>();
  readonly #stopping = new AbortController();

  /** @param requeue told of each base of which a dependent changed, if it wasn't by the pass over it. */
  constructor(settings: DelegationSettings, resources: Resources, requeue: (base: ResourceKey) => void) {
    this.#settings = settings;
    this.#resources = resources;
    this.#requeue = requeue;
  }

  /** Fulfilled when what is there is known. */
  async start(): Promise<void> {
    const { signal } = this.#stopping;
    const { kinds } = this.#settings.dependents;
    const follow = (kind: (typeof kinds)[number]) =>
      this.#resources.follow(kind, (change) => this.#onChange(change), { signal });
    await Promise.all(kinds.map(follow));
  }

  stop(): void {
    this.#stopping.abort();
  }

  /** The resources that are kept for a base, as they are now. */
  of(base: Resource): ReadonlyMap<ResourceKey, Resource> {
    const found = readInventory(base).flatMap(({ key }) => {
      const resource = this.#resources.get(key);
      return resource ? [[key, resource] as const] : [];
    });
    return new Map(found);
  }

  /** Runs what writes the dependents of a base. What it changes is no news. */
  async writing<T>(base: ResourceKey, work: () => Promise<T>): Promise<T> {
    this.#writing.add(base);
    try {
      return await work();
    } finally {
      this.#writing.delete(base);
    }
  }

  #onChange({ resource: { metadata } }: ResourceChange): void {
    const { apiVersion, kind } = this.#settings.base;
    const owner = metadata.ownerReferences?.find(({ controller }) => controller);
    if (owner?.kind !== kind || owner.apiVersion !== apiVersion) return;
    const base = formatKey({ apiVersion, kind, namespace: metadata.namespace ?? '', name: owner.name });
    if (!this.#writing.has(base)) this.#requeue(base);
  }
}
