import type { Logger } from 'pino';
import type { ResourceChange, Resources } from '../../resources/port.ts';
import { formatKey, isSameKind, keyOf, type Resource, type ResourceKey } from '../../resources/resource.ts';
import type { DelegationSettings } from '../delegation-settings.ts';
import { findOwned } from './find-owned.ts';
import { readInventory } from './inventory.ts';
import { RequestChanges } from './request-changes.ts';

/** Writes of the dependents of a base during a pass. */
export class DependentWrites {
  readonly #written = new Set<ResourceKey>();
  readonly #awaited = new Set<ResourceKey>();

  /** Records a write, which makes one change. */
  add(key: ResourceKey): void {
    this.#written.add(key);
  }

  /** Records that another pass is needed when a dependent changes, such as when it is gone. */
  waitFor(key: ResourceKey): void {
    this.#awaited.add(key);
  }

  /** Returns the number of changes of a dependent that need no further pass. */
  expectedChanges(key: ResourceKey): number {
    return this.#written.has(key) && !this.#awaited.has(key) ? 1 : 0;
  }
}

/** Follows the dependents of bases, so that plugins see their state. */
export class DependentFollower {
  readonly #settings: DelegationSettings;
  readonly #resources: Resources;
  readonly #log: Logger;
  readonly #requeue: (base: ResourceKey) => void;
  /** Numbers of changes of each dependent during the writes of a base, by the base's key. */
  readonly #writing = new Map<ResourceKey, Map<ResourceKey, number>>();
  /** Changes of what plugins request. */
  readonly requests = new RequestChanges();
  readonly #stopping = new AbortController();
  #isStarted = false;

  /** @param requeue called for each base with a changed dependent, unless the base's own pass changed it. */
  constructor(settings: DelegationSettings, resources: Resources, requeue: (base: ResourceKey) => void, log: Logger) {
    this.#settings = settings;
    this.#resources = resources;
    this.#requeue = requeue;
    this.#log = log;
  }

  /** Starts to follow. Fulfilled when the existing resources are known. */
  async start(): Promise<void> {
    const { signal } = this.#stopping;
    const { permittedKinds } = this.#settings.dependents;
    this.#warnOfForbiddenKinds();
    const follow = (kind: (typeof permittedKinds)[number]) =>
      this.#resources.follow(kind, (change) => this.#onChange(change), { signal });
    await Promise.all(permittedKinds.map(follow));
    this.#isStarted = true;
  }

  stop(): void {
    this.#stopping.abort();
  }

  /** Returns the existing dependents of a base. Its status may list resources of others, as some users may write it. */
  of(base: Resource): ReadonlyMap<ResourceKey, Resource> {
    const found = readInventory(base).flatMap(({ key }) => {
      const resource = findOwned(this.#resources, key, base);
      return resource ? [[key, resource] as const] : [];
    });
    return new Map(found);
  }

  /**
   * Runs work that writes dependents of a base. Its own changes don't requeue the base; those of other clients do, and those of dependents
   * that the base waits for.
   */
  async writing<T>(base: ResourceKey, work: (writes: DependentWrites) => Promise<T>): Promise<T> {
    const changes = new Map<ResourceKey, number>();
    const writes = new DependentWrites();
    this.#writing.set(base, changes);
    try {
      return await work(writes);
    } finally {
      this.#writing.delete(base);
      if ([...changes].some(([key, count]) => count > writes.expectedChanges(key))) this.#requeue(base);
    }
  }

  /** Warns of kinds that are listed, although plugins can't request them. */
  #warnOfForbiddenKinds(): void {
    const { kinds, permittedKinds } = this.#settings.dependents;
    for (const kind of kinds) {
      if (permittedKinds.some((permitted) => isSameKind(permitted, kind))) continue;
      const message = `dependents of the kind ${kind.kind} (${kind.apiVersion}) are refused, as the kind grants rights; set allowPrivileged: true for it in dependents.kinds to allow them`;
      this.#log.warn({ delegation: this.#settings.name }, message);
    }
  }

  #onChange({ resource }: ResourceChange): void {
    // Every base gets its first pass anyway, which sees the existing dependents.
    if (!this.#isStarted) return;
    const { metadata } = resource;
    const { apiVersion, kind } = this.#settings.base;
    const owner = metadata.ownerReferences?.find(({ controller }) => controller);
    if (!owner || !isSameKind(owner, this.#settings.base)) return;
    const base = formatKey({ apiVersion, kind, namespace: metadata.namespace ?? '', name: owner.name });
    const changes = this.#writing.get(base);
    if (!changes) this.#requeue(base);
    else changes.set(keyOf(resource), (changes.get(keyOf(resource)) ?? 0) + 1);
  }
}
