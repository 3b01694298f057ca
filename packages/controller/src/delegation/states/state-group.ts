import type { ResourceKey } from '../../resources/resource.ts';
import type { StateName } from './base-state.ts';

/** Numbers of resources by state. */
export type StateCounts = Readonly<Record<StateName, number>>;

/** Resources of a delegation, or of one of its namespaces: their numbers by state, and those that aren't ready, by cause. */
export class StateGroup {
  readonly #counts: Record<StateName, number> = { ready: 0, waiting: 0, failing: 0, deleting: 0, paused: 0 };
  readonly #byCause = new Map<string, Set<ResourceKey>>();
  #total = 0;

  get total(): number {
    return this.#total;
  }

  get counts(): StateCounts {
    return this.#counts;
  }

  /** Resources by the id of their cause. */
  get causes(): ReadonlyMap<string, ReadonlySet<ResourceKey>> {
    return this.#byCause;
  }

  /** @param cause id of the cause; `undefined` for a resource that is ready. */
  add(key: ResourceKey, state: StateName, cause: string | undefined): void {
    this.#total++;
    this.#counts[state]++;
    if (cause === undefined) return;
    const keys = this.#byCause.get(cause);
    if (keys) keys.add(key);
    else this.#byCause.set(cause, new Set([key]));
  }

  /** Removes a resource as it was added. */
  remove(key: ResourceKey, state: StateName, cause: string | undefined): void {
    this.#total--;
    this.#counts[state]--;
    const keys = cause === undefined ? undefined : this.#byCause.get(cause);
    if (cause === undefined || !keys) return;
    keys.delete(key);
    if (keys.size === 0) this.#byCause.delete(cause);
  }
}
