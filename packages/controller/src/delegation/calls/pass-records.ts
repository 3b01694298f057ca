import type { ResourceKey } from '../../resources/resource.ts';

/** Record of one resource that outlives a pass. */
export interface PassRecord {
  /** True if something is recorded. */
  readonly isUsed: boolean;
  /** Drops what is recorded, and records nothing more. */
  revoke(): void;
}

/** Records of the resources of one delegation. */
export class PassRecords<R extends PassRecord> {
  readonly #make: (onUsed: () => void) => R;
  readonly #limit: number;
  readonly #byKey = new Map<ResourceKey, R>();
  readonly #used = new Set<ResourceKey>();

  /**
   * @param make makes a record, which calls its argument when something is recorded.
   * @param limit maximum number of used records. The oldest ones are dropped.
   */
  constructor(make: (onUsed: () => void) => R, limit: number) {
    this.#make = make;
    this.#limit = limit;
  }

  /** Returns the record of a resource for a pass. */
  of(key: ResourceKey): R {
    const known = this.#byKey.get(key);
    if (known) return known;
    const created = this.#make(() => this.#onUsed(key));
    this.#byKey.set(key, created);
    return created;
  }

  /** Returns the record of a resource, if there is one. */
  get(key: ResourceKey): R | undefined {
    return this.#byKey.get(key);
  }

  /** Drops the record of a resource, also that of a pass in progress. */
  drop(key: ResourceKey): void {
    this.#byKey.get(key)?.revoke();
    this.#byKey.delete(key);
    this.#used.delete(key);
  }

  /** Ends a pass. Drops the record if nothing is recorded. */
  endPass(key: ResourceKey): void {
    if (!this.#byKey.get(key)?.isUsed) this.drop(key);
  }

  #onUsed(key: ResourceKey): void {
    this.#used.add(key);
    const [oldest] = this.#used;
    if (this.#used.size > this.#limit && oldest !== undefined) this.drop(oldest);
  }
}
