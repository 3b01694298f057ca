import type { CheckedManifest } from '../manifest.ts';
import type { MemoryResources } from '../memory/memory-resources.ts';
import type { ResourceKey } from '../resource.ts';
import type { Definitions } from './definitions.ts';

/** Brings a table of resources to what a directory's files define. */
export class DesiredState {
  /** Which file defines each resource of the table, or did so last. */
  readonly #sources = new Map<ResourceKey, string>();
  /** The manifests that were applied last, so that only others are looked at. */
  readonly #applied = new Map<ResourceKey, CheckedManifest>();

  /** The path of the file that defines a resource, or did so last. */
  sourceOf(key: ResourceKey): string | undefined {
    return this.#sources.get(key);
  }

  /** Notes which file defined a resource when it was stored. */
  restore(key: ResourceKey, source: string): void {
    this.#sources.set(key, source);
  }

  /** Forgets a resource that is gone, so that it is made anew if a file still defines it. */
  forget(key: ResourceKey): void {
    this.#sources.delete(key);
    this.#applied.delete(key);
  }

  /**
   * Applies what counts, and deletes what no file defines any more. Nothing is deleted unless the files have settled, as it
   * may be on its way from one file to another. Returns the resources that did not change but are now defined elsewhere.
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
      // One that is being deleted is made anew once it is gone.
      if (metadata.deletionTimestamp === undefined) this.#applied.set(key, manifest);
    }
    if (!settled) return moved;
    for (const key of resources.keys()) if (!this.#isKept(key, resources, definitions)) resources.delete(key);
    return moved;
  }

  #isKept(key: ResourceKey, resources: MemoryResources, { accepted, held, claimed }: Definitions): boolean {
    const source = this.#sources.get(key);
    if (accepted.has(key) || claimed.has(key) || (source !== undefined && held.has(source))) return true;
    // What is kept for another resource stands in no file, and goes with that.
    return resources.get(key)?.metadata.ownerReferences !== undefined;
  }
}
