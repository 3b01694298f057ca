import { limits } from '../limits/limits.ts';
import { LinkedList, ListEntry } from '../queue/linked-list.ts';
import type { ResourceKey } from '../resources/resource.ts';
import type { PassRecord } from './pass-record.ts';

const { maxPassesPerResource, maxPasses } = limits.telemetry;

/** Passes of a resource, oldest first. */
interface Entry {
  readonly key: ResourceKey;
  readonly passes: PassRecord[];
}

/** Latest passes over each resource. If there are too many, those of the resource that passed least recently are dropped. */
export class RecentPasses {
  readonly #entries = new Map<ResourceKey, ListEntry<Entry>>();
  /** Entries in the order of their last passes. */
  readonly #order = new LinkedList<Entry>();
  #size = 0;

  add(pass: PassRecord): void {
    const { passes } = this.#take(pass.key);
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
    return (this.#entries.get(key)?.value.passes ?? []).toReversed();
  }

  /** Returns the entry of a resource, as the newest one. */
  #take(key: ResourceKey): Entry {
    const entry = this.#entries.get(key) ?? new ListEntry<Entry>({ key, passes: [] });
    this.#entries.set(key, entry);
    this.#order.push(entry);
    return entry.value;
  }

  #dropOldest(): void {
    const oldest = this.#order.first;
    if (!oldest) return;
    const { key, passes } = oldest.value;
    this.#order.remove(oldest);
    this.#entries.delete(key);
    this.#size -= passes.length;
  }
}
