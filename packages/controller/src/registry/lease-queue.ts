/** What a lease queue keeps of each of its entries. */
export interface Leased {
  /** How long it is believed after it was last heard, in milliseconds. */
  readonly ttl: number;
  /** When it expires, by the queue's clock. */
  expiresAt: number;
  /** The neighbours in its list; the queue's own. */
  earlier: this | undefined;
  later: this | undefined;
}

/** Entries of one TTL, in the order in which they expire. */
interface LeaseList<T> {
  first: T | undefined;
  last: T | undefined;
}

/**
 * Entries by the time at which they expire. Entries of equal TTL expire in the order in which they were heard, so a linked
 * list per TTL stays sorted when an entry that was heard moves to its end: renewing takes constant time, and expiring takes
 * time in proportion to what expires, however many entries there are.
 */
export class LeaseQueue<T extends Leased> {
  readonly #lists = new Map<number, LeaseList<T>>();

  /** Adds an entry that was heard at `now`, or moves one that is in the queue. */
  renew(entry: T, now: number): void {
    let list = this.#lists.get(entry.ttl);
    if (list && list.last === entry) {
      entry.expiresAt = now + entry.ttl;
      return;
    }
    this.remove(entry);
    list = this.#lists.get(entry.ttl);
    if (!list) {
      list = { first: undefined, last: undefined };
      this.#lists.set(entry.ttl, list);
    }
    entry.expiresAt = now + entry.ttl;
    entry.earlier = list.last;
    if (list.last) list.last.later = entry;
    else list.first = entry;
    list.last = entry;
  }

  /** Takes an entry out; does nothing with one that isn't in the queue. */
  remove(entry: T): void {
    const list = this.#lists.get(entry.ttl);
    if (!list || (list.first !== entry && !entry.earlier)) return;
    if (entry.earlier) entry.earlier.later = entry.later;
    else list.first = entry.later;
    if (entry.later) entry.later.earlier = entry.earlier;
    else list.last = entry.earlier;
    entry.earlier = undefined;
    entry.later = undefined;
    if (!list.first) this.#lists.delete(entry.ttl);
  }

  /** When the next entry expires; `undefined` when there is none. */
  nextExpiry(): number | undefined {
    let next: number | undefined;
    for (const { first } of this.#lists.values()) {
      if (first && (next === undefined || first.expiresAt < next)) next = first.expiresAt;
    }
    return next;
  }

  /** Takes out all that has expired at `now`. */
  expire(now: number): T[] {
    const expired: T[] = [];
    for (const list of [...this.#lists.values()]) {
      while (list.first && list.first.expiresAt <= now) {
        expired.push(list.first);
        this.remove(list.first);
      }
    }
    return expired;
  }
}
