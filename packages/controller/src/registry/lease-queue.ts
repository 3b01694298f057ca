/** Entry of a lease queue. */
export interface Leased {
  /** Time to live after the last heartbeat, in milliseconds. */
  readonly ttl: number;
  /** Time at which it expires, by the queue's clock. */
  expiresAt: number;
  /** Neighbours in its list. Only the queue uses them. */
  earlier: this | undefined;
  later: this | undefined;
}

/** Entries of one TTL, in the order in which they expire. */
interface LeaseList<T> {
  first: T | undefined;
  last: T | undefined;
}

/**
 * Entries by the time at which they expire. Entries of equal TTL expire in the order of their last heartbeats, so that a linked
 * list per TTL stays sorted when a renewed entry moves to its end: renewing takes constant time, and expiring takes time in
 * proportion to the expired entries.
 */
export class LeaseQueue<T extends Leased> {
  readonly #lists = new Map<number, LeaseList<T>>();

  /** Adds or renews an entry with a heartbeat at `now`. */
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

  /** Removes an entry, if it is in the queue. */
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

  /** Time at which the next entry expires; `undefined` if the queue is empty. */
  nextExpiry(): number | undefined {
    let next: number | undefined;
    for (const { first } of this.#lists.values()) {
      if (first && (next === undefined || first.expiresAt < next)) next = first.expiresAt;
    }
    return next;
  }

  /** Removes and returns an entry that has expired at `now`; `undefined` if none has. */
  takeExpired(now: number): T | undefined {
    for (const { first } of this.#lists.values()) {
      if (!first || first.expiresAt > now) continue;
      this.remove(first);
      return first;
    }
    return undefined;
  }
}
