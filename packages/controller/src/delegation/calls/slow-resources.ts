import type { ResourceKey } from '../../resources/resource.ts';

/**
 * Resources whose last call timed out. They have lanes of their own, so that a plugin that hangs with some resources is called for
 * the others.
 */
export class SlowResources {
  readonly #slow = new Set<ResourceKey>();

  /** Records that a call for a resource timed out. */
  add(key: ResourceKey): void {
    this.#slow.add(key);
  }

  /** Records that a call for a resource was answered, or that the resource is gone. */
  delete(key: ResourceKey): void {
    this.#slow.delete(key);
  }

  /** Returns the lane of a resource, given that of others that wait for the same plugin. */
  laneFor(key: ResourceKey, lane: string): string {
    return lane !== '' && this.#slow.has(key) ? `${lane} after a time-out` : lane;
  }
}
