import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Leased, LeaseQueue } from './lease-queue.ts';

class Entry implements Leased {
  readonly ttl: number;
  expiresAt = 0;
  earlier: this | undefined;
  later: this | undefined;

  constructor(ttl: number) {
    this.ttl = ttl;
  }
}

/** Takes all entries that have expired. */
function expire(queue: LeaseQueue<Entry>, now: number): Entry[] {
  const expired: Entry[] = [];
  for (let next = queue.takeExpired(now); next; next = queue.takeExpired(now)) expired.push(next);
  return expired;
}

describe('LeaseQueue', () => {
  it('expires an entry at its time and not earlier', () => {
    const queue = new LeaseQueue<Entry>();
    const entry = new Entry(100);
    queue.renew(entry, 0);
    expect(queue.nextExpiry()).toBe(100);
    expect(expire(queue, 99)).toEqual([]);
    expect(expire(queue, 100)).toEqual([entry]);
    expect(queue.nextExpiry()).toBeUndefined();
  });

  it('finds the next expiry among entries of different TTLs', () => {
    const queue = new LeaseQueue<Entry>();
    queue.renew(new Entry(1_000), 0);
    queue.renew(new Entry(10), 500);
    expect(queue.nextExpiry()).toBe(510);
  });

  it('behaves like a plain list, for any sequence of operations', () => {
    const steps = fc.array(
      fc.record({ entry: fc.nat(9), does: fc.constantFrom('renew', 'remove', 'expire'), wait: fc.nat(40) }),
      { maxLength: 80 },
    );
    fc.assert(
      fc.property(steps, (sequence) => {
        const queue = new LeaseQueue<Entry>();
        const entries = Array.from({ length: 10 }, (_, index) => new Entry(index % 2 ? 50 : 120));
        const expected = new Map<Entry, number>();
        let now = 0;
        for (const { entry: index, does, wait } of sequence) {
          now += wait;
          const entry = entries[index] as Entry;
          if (does === 'renew') {
            queue.renew(entry, now);
            expected.set(entry, now + entry.ttl);
          } else if (does === 'remove') {
            queue.remove(entry);
            expected.delete(entry);
          } else {
            const due = [...expected].filter(([, at]) => at <= now).map(([one]) => one);
            for (const one of due) expected.delete(one);
            expect(new Set(expire(queue, now))).toEqual(new Set(due));
          }
          expect(queue.nextExpiry()).toBe(expected.size > 0 ? Math.min(...expected.values()) : undefined);
        }
      }),
    );
  });
});
