import { limits } from '../limits/limits.ts';
import { LinkedList, ListEntry } from './linked-list.ts';

/** Number of urgent keys that are taken in a row while others wait. */
const { maxUrgentRun } = limits.queue;

/** A key that is ready to be worked on, with the time at which it became ready, by `performance.now()`. */
export interface ReadyKey<K> {
  readonly key: K;
  readonly since: number;
  /** True for a key that goes before those that aren't urgent. */
  readonly urgent: boolean;
}

/** Place of a key, by which it can be removed. */
interface Place<K> {
  readonly entry: ListEntry<ReadyKey<K>>;
  readonly group: Group<K>;
}

/** Keys of one group, first in, first out. */
class Group<K> {
  readonly name: string;
  readonly keys = new LinkedList<ReadyKey<K>>();
  readonly turn: ListEntry<Group<K>> = new ListEntry<Group<K>>(this);

  constructor(name: string) {
    this.name = name;
  }
}

/** Keys of equal urgency: their groups take turns. */
class Turns<K> {
  readonly #groups = new Map<string, Group<K>>();
  readonly #turns = new LinkedList<Group<K>>();

  get isEmpty(): boolean {
    return this.#turns.first === undefined;
  }

  add(ready: ReadyKey<K>, name: string): Place<K> {
    const group = this.#groups.get(name) ?? new Group<K>(name);
    if (!group.turn.list) {
      this.#groups.set(name, group);
      this.#turns.push(group.turn);
    }
    const entry = new ListEntry(ready);
    group.keys.push(entry);
    return { entry, group };
  }

  remove({ entry, group }: Place<K>): void {
    group.keys.remove(entry);
    if (group.keys.first) return;
    this.#groups.delete(group.name);
    this.#turns.remove(group.turn);
  }

  /** Returns the next key; its group gets its next turn after all others. */
  next(): ReadyKey<K> | undefined {
    const turn = this.#turns.first;
    if (!turn) return undefined;
    this.#turns.push(turn);
    return turn.value.keys.first?.value;
  }
}

/**
 * Ready keys of one lane: urgent ones before others, of which one is taken after each `maxUrgentRun` urgent ones; groups take
 * turns; first in, first out within a group. Each operation takes constant time.
 */
export class FairKeys<K> {
  readonly #urgent = new Turns<K>();
  readonly #routine = new Turns<K>();
  readonly #places = new Map<K, Place<K>>();
  #urgentRun = 0;

  get size(): number {
    return this.#places.size;
  }

  get(key: K): ReadyKey<K> | undefined {
    return this.#places.get(key)?.entry.value;
  }

  /** Adds a key that isn't in the lane. */
  add(ready: ReadyKey<K>, group: string): void {
    this.#places.set(ready.key, this.#turnsOf(ready).add(ready, group));
  }

  delete(key: K): void {
    const place = this.#places.get(key);
    if (!place) return;
    this.#places.delete(key);
    this.#turnsOf(place.entry.value).remove(place);
  }

  /** Removes and returns the next key. */
  take(): ReadyKey<K> | undefined {
    const isRoutineDue = this.#urgent.isEmpty || (this.#urgentRun >= maxUrgentRun && !this.#routine.isEmpty);
    const ready = isRoutineDue ? this.#routine.next() : this.#urgent.next();
    if (!ready) return undefined;
    this.#urgentRun = isRoutineDue ? 0 : this.#urgentRun + 1;
    this.delete(ready.key);
    return ready;
  }

  #turnsOf({ urgent }: ReadyKey<K>): Turns<K> {
    return urgent ? this.#urgent : this.#routine;
  }
}
