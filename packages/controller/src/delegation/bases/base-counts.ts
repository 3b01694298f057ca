import type { ResourceKey } from '../../resources/resource.ts';

/** Numbers of the base resources of a delegation, kept up to date, so that they are known without a walk. */
export class BaseCounts {
  readonly #isReady = new Map<ResourceKey, boolean>();
  #ready = 0;

  /** Number of resources. */
  get total(): number {
    return this.#isReady.size;
  }

  /** Number of resources that are ready. */
  get ready(): number {
    return this.#ready;
  }

  set(key: ResourceKey, isReady: boolean): void {
    const wasReady = this.#isReady.get(key) ?? false;
    this.#isReady.set(key, isReady);
    this.#ready += Number(isReady) - Number(wasReady);
  }

  delete(key: ResourceKey): void {
    if (this.#isReady.get(key)) this.#ready--;
    this.#isReady.delete(key);
  }
}
