import type { ResourceKey } from '../../resources/resource.ts';

/** Numbers of the base resources of a delegation, kept up to date, so that they are known without a walk. */
export class BaseCounts {
  readonly #isReady = new Map<ResourceKey, boolean>();
  readonly #paused = new Set<ResourceKey>();
  #ready = 0;

  /** Number of resources. */
  get total(): number {
    return this.#isReady.size;
  }

  /** Number of resources that are ready. */
  get ready(): number {
    return this.#ready;
  }

  /** Number of resources that are paused. */
  get paused(): number {
    return this.#paused.size;
  }

  set(key: ResourceKey, { isReady, isPaused }: { isReady: boolean; isPaused: boolean }): void {
    if (isPaused) this.#paused.add(key);
    else this.#paused.delete(key);
    const wasReady = this.#isReady.get(key) ?? false;
    this.#isReady.set(key, isReady);
    this.#ready += Number(isReady) - Number(wasReady);
  }

  delete(key: ResourceKey): void {
    if (this.#isReady.get(key)) this.#ready--;
    this.#isReady.delete(key);
    this.#paused.delete(key);
  }
}
