import { keyOf, type Resource, type ResourceKey } from '../../resources/resource.ts';
import type { Bases } from '../bases/bases.ts';
import type { PassRequests } from '../requests/pass-requests.ts';
import { Release } from './release.ts';

/** Releases of the resources of one delegation, one at a time. */
export class Releases {
  readonly #bases: Bases;
  readonly #requests: PassRequests;
  #current: Release | undefined;

  constructor(bases: Bases, requests: PassRequests) {
    this.#bases = bases;
    this.#requests = requests;
  }

  /** Number of resources that have yet to be released. */
  get pending(): number {
    return this.#current?.pending.size ?? 0;
  }

  /** Reports whether a resource is no longer delegated, or is being released. */
  isReleased(base: Resource): boolean {
    return !this.#bases.concerns(base) || this.isReleasing(base);
  }

  /** Reports whether a resource is being released. */
  isReleasing(base: Resource | undefined): boolean {
    return base !== undefined && (this.#current?.includes(base) ?? false);
  }

  /** Requests the passes that release resources. Fulfilled when all have been released. Rejects with the reason of the signal or of `cancel`. */
  async run(includes: (base: Resource) => boolean, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    const release = new Release(includes);
    this.#current = release;
    const onAbort = () => {
      this.#current = undefined;
      release.cancel(signal?.reason);
    };
    signal?.addEventListener('abort', onAbort, { once: true });
    await this.#bases.visit((base) => {
      if (this.#current !== release || !includes(base)) return;
      release.add(keyOf(base));
      this.#requests.request(keyOf(base));
    });
    release.addedAll();
    await release.ended;
    signal?.removeEventListener('abort', onAbort);
  }

  /** Marks a resource as released or gone. */
  complete(key: ResourceKey): void {
    this.#current?.complete(key);
  }

  /** Cancels the release in progress, if any. */
  cancel(reason: unknown): void {
    this.#current?.cancel(reason);
  }
}
