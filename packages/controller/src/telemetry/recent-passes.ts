import { limits } from '../limits/limits.ts';
import type { ResourceKey } from '../resources/resource.ts';
import type { PassRecord } from './pass-record.ts';

const { maxPassesPerResource, maxPasses } = limits.telemetry;

/** Passes of a resource, oldest first, between those of the resources that passed before and after it. */
interface Entry {
  readonly key: ResourceKey;
  readonly passes: PassRecord[];
  older: Entry | undefined;
  newer: Entry | undefined;
}

/** Latest passes over each resource. If there are too many, those of the resource that passed least recently are dropped. */
export class RecentPasses {
  /** Entries by key. Their order is a list of its own: finding the first key of a map whose first keys were deleted takes long. */
  readonly #entries = new Map<ResourceKey, Entry>();
  #oldest: Entry | undefined;
  #newest: Entry | undefined;
  #size = 0;

  add(pass: PassRecord): void {
    const entry = this.#take(pass.key);
    entry.passes.push(pass);
    this.#size++;
    if (entry.passes.length > maxPassesPerResource) {
      entry.passes.shift();
      this.#size--;
    }
    while (this.#size > maxPasses) this.#dropOldest();
  }

  /** Returns the passes over a resource, newest first. */
  of(key: ResourceKey): PassRecord[] {
    return (this.#entries.get(key)?.passes ?? []).toReversed();
  }

  /** Returns the entry of a resource, as the newest one. */
  #take(key: ResourceKey): Entry {
    const known = this.#entries.get(key);
    if (known) this.#unlink(known);
    const entry: Entry = known ?? { key, passes: [], older: undefined, newer: undefined };
    entry.older = this.#newest;
    if (this.#newest) this.#newest.newer = entry;
    this.#newest = entry;
    this.#oldest ??= entry;
    if (!known) this.#entries.set(key, entry);
    return entry;
  }

  #unlink(entry: Entry): void {
    const { older, newer } = entry;
    if (older) older.newer = newer;
    else this.#oldest = newer;
    if (newer) newer.older = older;
    else this.#newest = older;
    entry.older = undefined;
    entry.newer = undefined;
  }

  #dropOldest(): void {
    const oldest = this.#oldest;
    if (!oldest) return;
    this.#unlink(oldest);
    this.#entries.delete(oldest.key);
    this.#size -= oldest.passes.length;
  }
}
