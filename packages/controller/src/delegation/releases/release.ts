import type { Resource, ResourceKey } from '../../resources/resource.ts';

/** Release of resources that are no longer delegated, until the last one has been released. */
export class Release {
  readonly includes: (base: Resource) => boolean;
  readonly #pending = new Set<ResourceKey>();
  readonly #ended = Promise.withResolvers<void>();
  #isComplete = false;

  /** @param includes reports whether a resource is to be released. */
  constructor(includes: (base: Resource) => boolean) {
    this.includes = includes;
    // It may be cancelled before anything waits for it.
    this.#ended.promise.catch(() => undefined);
  }

  /** Keys of the resources that have yet to be released. */
  get pending(): ReadonlySet<ResourceKey> {
    return this.#pending;
  }

  /** Fulfilled when all resources have been added and released. Rejects with the reason of `cancel`. */
  get ended(): Promise<void> {
    return this.#ended.promise;
  }

  /** Adds a resource that is to be released. */
  add(key: ResourceKey): void {
    this.#pending.add(key);
  }

  /** Records that all resources have been added. */
  addedAll(): void {
    this.#isComplete = true;
    if (this.#pending.size === 0) this.#ended.resolve();
  }

  /** Marks a resource as released or gone. */
  complete(key: ResourceKey): void {
    if (this.#pending.delete(key) && this.#pending.size === 0 && this.#isComplete) this.#ended.resolve();
  }

  cancel(reason: unknown): void {
    this.#ended.reject(reason);
  }
}
