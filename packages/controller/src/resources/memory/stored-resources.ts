import { SetsByKey } from '../../sets-by-key.ts';
import { formatKey, type Resource, type ResourceKey, type ResourceKind } from '../resource.ts';
import type { StoredResource } from './persistence.ts';

/** Stored resources by kind and key, with an index by owner. */
export class StoredResources {
  readonly #byKind = new Map<string, Map<ResourceKey, StoredResource>>();
  /** Keys of the resources with an owner, by its UID. */
  readonly #owned = new SetsByKey<string, ResourceKey>();

  get(key: ResourceKey): StoredResource | undefined {
    return this.#byKind.get(kindOf(key))?.get(key);
  }

  /** Returns all keys, by kind. */
  *keys(): Iterable<ResourceKey> {
    for (const ofKind of this.#byKind.values()) yield* ofKind.keys();
  }

  /** Returns all resources by their keys, by kind. */
  *[Symbol.iterator](): Iterator<readonly [ResourceKey, StoredResource]> {
    for (const ofKind of this.#byKind.values()) yield* ofKind;
  }

  /** Returns the resources of a kind. */
  ofKind(kind: ResourceKind): Iterable<StoredResource> {
    return this.#byKind.get(kindOf(formatKey({ ...kind, namespace: '', name: '' })))?.values() ?? [];
  }

  /** Returns the keys of the resources that are owned by one. */
  ownedBy({ metadata: { uid } }: Resource): ResourceKey[] {
    return [...(this.#owned.get(uid) ?? [])];
  }

  set(key: ResourceKey, stored: StoredResource): void {
    let ofKind = this.#byKind.get(kindOf(key));
    if (!ofKind) {
      ofKind = new Map();
      this.#byKind.set(kindOf(key), ofKind);
    }
    const former = ofKind.get(key);
    if (former) this.#disown(key, former.resource);
    ofKind.set(key, stored);
    for (const uid of ownersOf(stored.resource)) this.#owned.add(uid, key);
  }

  delete(key: ResourceKey): void {
    const ofKind = this.#byKind.get(kindOf(key));
    const former = ofKind?.get(key);
    if (!former) return;
    ofKind?.delete(key);
    if (ofKind?.size === 0) this.#byKind.delete(kindOf(key));
    this.#disown(key, former.resource);
  }

  #disown(key: ResourceKey, resource: Resource): void {
    for (const uid of ownersOf(resource)) this.#owned.delete(uid, key);
  }
}

function ownersOf({ metadata: { ownerReferences = [] } }: Resource): string[] {
  return ownerReferences.flatMap(({ uid, controller }) => (controller ? [uid] : []));
}

/** Returns the part of a key that names the kind: all before the namespace and the name. */
function kindOf(key: ResourceKey): string {
  return key.slice(0, key.lastIndexOf('/', key.lastIndexOf('/') - 1));
}
