import type { CheckedManifest } from '../manifest.ts';
import type { MemoryResources } from '../memory/memory-resources.ts';
import type { ResourceKey } from '../resource.ts';
import type { Definitions } from './definitions.ts';

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

  /**
   * Applies accepted manifests, and deletes resources that no file defines any more. Nothing is deleted before the files have settled, as
   * a manifest may be moving between files. Returns unchanged resources whose source is another file now.
   */
  apply(resources: MemoryResources, definitions: Definitions, settled: boolean): ResourceKey[] {
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
    if (!settled) return moved;
    for (const key of resources.keys()) if (!this.#isKept(key, resources, definitions)) resources.delete(key);
    return moved;
  }

  #isKept(key: ResourceKey, resources: MemoryResources, { accepted, held, claimed }: Definitions): boolean {
    const source = this.#sources.get(key);
    if (accepted.has(key) || claimed.has(key) || (source !== undefined && held.has(source))) return true;
    // Dependents are in no file, and are deleted with their owner.
    return resources.get(key)?.metadata.ownerReferences !== undefined;
  }
}
