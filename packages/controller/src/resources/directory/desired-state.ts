import type { CheckedManifest } from '../manifest.ts';
import type { MemoryResources } from '../memory/memory-resources.ts';
import type { Resource, ResourceKey } from '../resource.ts';
import type { Definitions } from './definitions.ts';
import type { PendingDeletion } from './held-deletions.ts';

/** Deletion of a resource that no file defines any more. */
export interface UndefinedResource extends PendingDeletion {
  /** Time of the resource's creation, in milliseconds since the epoch. */
  createdAt: number;
}

/** Resources that no file defines. */
export interface UndefinedResources {
  deletions: UndefinedResource[];
  /** Number of resources of the directory, these included. */
  total: number;
  /** True if the directory has neither a manifest file nor Kplug's folder, as the mount point of an unmounted volume. */
  isDirectoryEmpty?: boolean;
}

/** Applies the definitions of a directory to its resources. */
export class DesiredState {
  /** Path of the file that defines each resource, or defined it last. */
  readonly #sources = new Map<ResourceKey, string>();
  /** Manifests that were applied last, so that unchanged ones are skipped. */
  readonly #applied = new Map<ResourceKey, CheckedManifest>();

  /** Returns the path of the file that defines a resource, or defined it last. */
  sourceOf(key: ResourceKey): string | undefined {
    return this.#sources.get(key);
  }

  /** Restores the source of a stored resource. */
  restore(key: ResourceKey, source: string): void {
    this.#sources.set(key, source);
  }

  /** Forgets a resource that is gone, so that it is created again if a file still defines it. */
  forget(key: ResourceKey): void {
    this.#sources.delete(key);
    this.#applied.delete(key);
  }

  /** Applies accepted manifests. Returns unchanged resources whose source is another file now. */
  apply(resources: MemoryResources, definitions: Definitions): ResourceKey[] {
    const moved: ResourceKey[] = [];
    for (const [key, { manifest, path }] of definitions.accepted) {
      const former = this.#sources.get(key);
      if (former === path && this.#applied.get(key) === manifest) continue;
      this.#sources.set(key, path);
      const before = resources.get(key);
      const { metadata } = resources.apply(manifest);
      if (before !== undefined && former !== path) moved.push(key);
      // A resource that is being deleted is created again once it is gone.
      if (metadata.deletionTimestamp === undefined) this.#applied.set(key, manifest);
    }
    return moved;
  }

  /** Returns the resources that files define or defined, without those that are being deleted, by path of the file. */
  defined(resources: MemoryResources): Map<string, Resource[]> {
    const byPath = new Map<string, Resource[]>();
    for (const [key, path] of this.#sources) {
      const resource = resources.get(key);
      if (!resource || resource.metadata.deletionTimestamp !== undefined) continue;
      const others = byPath.get(path);
      if (others) others.push(resource);
      else byPath.set(path, [resource]);
    }
    return byPath;
  }

  /** Returns the resources that are to be deleted, as no file defines them any more, by key, with the number of all that could be. */
  undefinedResources(resources: MemoryResources, definitions: Definitions): UndefinedResources {
    const result: UndefinedResources = { deletions: [], total: 0 };
    for (const key of resources.keys()) {
      const resource = resources.get(key);
      // Dependents are in no file, and are deleted with their owner.
      if (!resource || resource.metadata.deletionTimestamp !== undefined || resource.metadata.ownerReferences) continue;
      result.total += 1;
      const source = this.#sources.get(key) ?? '';
      if (isDefined(key, source, definitions)) continue;
      const { uid, creationTimestamp } = resource.metadata;
      result.deletions.push({ key, uid, source, createdAt: Date.parse(creationTimestamp) });
    }
    result.deletions.sort((a, b) => (a.key < b.key ? -1 : 1));
    return result;
  }
}

/** Reports whether a file defines a resource, or may define it. */
function isDefined(key: ResourceKey, source: string, { accepted, held, claimed }: Definitions): boolean {
  return accepted.has(key) || claimed.has(key) || (source !== '' && held.has(source));
}
