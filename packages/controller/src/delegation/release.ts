import { keyOf, type Resource, type ResourceKey } from '../resources/resource.ts';
import type { PassContext, PassResult } from './pass-context.ts';

/** Removes the controller's status and finalizer from a resource. What plugins created for it is retained. */
export async function releaseBase({ settings, resources }: PassContext, base: Resource): Promise<PassResult> {
  const { fieldManager, finalizer } = settings;
  const options = { uid: base.metadata.uid, fieldManager };
  await resources.applyStatus(keyOf(base), {}, options);
  await resources.removeFinalizer(keyOf(base), finalizer, options);
  return { next: 'done' };
}

/** Release of resources that are no longer delegated, until the last one has been released. */
export class Release {
  readonly includes: (base: Resource) => boolean;
  readonly #pending: Set<ResourceKey>;
  readonly #ended = Promise.withResolvers<void>();

  /** @param includes reports whether a resource is to be released. */
  constructor(includes: (base: Resource) => boolean, bases: Iterable<Resource>) {
    this.includes = includes;
    this.#pending = new Set([...bases].filter(includes).map(keyOf));
    if (this.#pending.size === 0) this.#ended.resolve();
  }

  /** Keys of the resources that have yet to be released. */
  get pending(): ReadonlySet<ResourceKey> {
    return this.#pending;
  }

  /** Fulfilled when all resources have been released. Rejects with the reason of `cancel`. */
  get ended(): Promise<void> {
    return this.#ended.promise;
  }

  /** Marks a resource as released or gone. */
  complete(key: ResourceKey): void {
    if (this.#pending.delete(key) && this.#pending.size === 0) this.#ended.resolve();
  }

  cancel(reason: unknown): void {
    this.#ended.reject(reason);
  }
}
