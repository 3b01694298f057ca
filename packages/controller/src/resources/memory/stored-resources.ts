import type { Resource, ResourceKey, ResourceKind } from '../resource.ts';
import type { StoredResource } from './persistence.ts';

/** Stored resources by key, with indexes by kind and by owner. */
export class StoredResources {
  readonly #byKey = new Map<ResourceKey, StoredResource>();
  readonly #byKind = new Map<string, Map<ResourceKey, StoredResource>>();
  /** Keys of the resources with an owner, by its UID. */
  readonly #owned = new Map<string, Set<ResourceKey>>();

  get(key: ResourceKey): StoredResource | undefined {
    return this.#byKey.get(key);
  }

  keys(): Iterable<ResourceKey> {
    return this.#byKey.keys();
  }

  /** Returns the resources of a kind. */
  ofKind(kind: ResourceKind): Iterable<StoredResource> {
    return this.#byKind.get(nameOf(kind))?.values() ?? [];
  }

  /** Returns the keys of the resources that are owned by one. */
  ownedBy({ metadata: { uid } }: Resource): ResourceKey[] {
    return [...(this.#owned.get(uid) ?? [])];
  }

  set(key: ResourceKey, stored: StoredResource): void {
    const former = this.#byKey.get(key);
    this.#byKey.set(key, stored);
    const name = nameOf(stored.resource);
    const ofKind = this.#byKind.get(name) ?? new Map<ResourceKey, StoredResource>();
    this.#byKind.set(name, ofKind.set(key, stored));
    if (former) this.#disown(key, former.resource);
    for (const uid of ownersOf(stored.resource)) {
      this.#owned.set(uid, (this.#owned.get(uid) ?? new Set<ResourceKey>()).add(key));
    }
  }

  delete(key: ResourceKey): void {
    const former = this.#byKey.get(key);
    if (!former) return;
    this.#byKey.delete(key);
    const name = nameOf(former.resource);
    const ofKind = this.#byKind.get(name);
    ofKind?.delete(key);
    if (ofKind?.size === 0) this.#byKind.delete(name);
    this.#disown(key, former.resource);
  }

  #disown(key: ResourceKey, resource: Resource): void {
    for (const uid of ownersOf(resource)) {
      const owned = this.#owned.get(uid);
      owned?.delete(key);
      if (owned?.size === 0) this.#owned.delete(uid);
    }
  }
}

function ownersOf({ metadata: { ownerReferences = [] } }: Resource): string[] {
  return ownerReferences.flatMap(({ uid, controller }) => (controller ? [uid] : []));
}

function nameOf({ apiVersion, kind }: ResourceKind): string {
  return `${apiVersion}/${kind}`;
}
