import { limits } from '../../limits/limits.ts';
import type { ResourceKey } from '../../resources/resource.ts';

const { repairDelay, repairThreshold, repairMemory } = limits.delegation;

/** Repair of a resource. */
export interface Repair {
  /** Delay before it, in milliseconds. */
  delay: number;
  /** True if the resource had to be repaired several times in a row, as another client keeps changing it. */
  isContested: boolean;
}

/**
 * Delays before repairing what other clients changed. They double with each repair of a resource in a row, so that two clients that fight
 * over a field do so ever more slowly.
 */
export class Repairs {
  readonly #maxDelay: number;
  readonly #repaired = new Map<ResourceKey, { count: number; at: number }>();

  /** @param maxDelay longest delay, in milliseconds. */
  constructor(maxDelay: number) {
    this.#maxDelay = Math.max(maxDelay, repairDelay);
  }

  /** Returns the next repair of a resource. */
  next(key: ResourceKey): Repair {
    const now = performance.now();
    const former = this.#repaired.get(key);
    const count = former && now - former.at < repairMemory ? former.count + 1 : 1;
    this.#repaired.set(key, { count, at: now });
    const delay = Math.min(repairDelay * 2 ** Math.min(count - 1, 30), this.#maxDelay);
    return { delay, isContested: count >= repairThreshold };
  }

  /** Forgets a resource that is gone. */
  forget(key: ResourceKey): void {
    this.#repaired.delete(key);
  }
}
