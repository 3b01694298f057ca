import { limits } from '../limits/limits.ts';
import type { ResourceKey } from '../resources/resource.ts';
import type { PassRecord } from './pass-record.ts';

const { maxPassesPerResource, maxPasses } = limits.telemetry;

/** Latest passes over each resource. If there are too many, those of the resource that passed least recently are dropped. */
export class RecentPasses {
  /** Passes by resource, oldest first. The resource that passed least recently is the first one. */
  readonly #passes = new Map<ResourceKey, PassRecord[]>();
  #size = 0;

  add(pass: PassRecord): void {
    const passes = this.#passes.get(pass.key) ?? [];
    this.#passes.delete(pass.key);
    this.#passes.set(pass.key, passes);
    passes.push(pass);
    this.#size++;
    if (passes.length > maxPassesPerResource) {
      passes.shift();
      this.#size--;
    }
    while (this.#size > maxPasses) this.#dropOldest();
  }

  /** Returns the passes over a resource, newest first. */
  of(key: ResourceKey): PassRecord[] {
    return (this.#passes.get(key) ?? []).toReversed();
  }

  #dropOldest(): void {
    const [oldest] = this.#passes;
    if (!oldest) return;
    const [key, passes] = oldest;
    this.#passes.delete(key);
    this.#size -= passes.length;
  }
}
