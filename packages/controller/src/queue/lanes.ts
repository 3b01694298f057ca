import { limits } from '../limits/limits.ts';
import { FairKeys, type ReadyKey } from './fair-keys.ts';
import { LinkedList, ListEntry } from './linked-list.ts';

const { minLaneShare, maxLaneShare, maxMovedAtOnce } = limits.queue;

/** Assignment of keys to lanes and groups. By default, all are in the same. */
export interface LanePolicy<K> {
  /** Returns the lane of a key. Called when the key is added, and again before it starts. Must be cheap. */
  laneOf(key: K): string;
  /** Returns the group of a key. The groups of a lane take turns. */
  groupOf(key: K): string;
  /** Reports whether keys of several lanes are to be expected. Then no lane may use the whole concurrency. */
  isShared(): boolean;
}

const singleLane: LanePolicy<unknown> = { laneOf: () => '', groupOf: () => '', isShared: () => false };

/** Keys of one lane, ready or being worked on. */
class Lane<K> {
  readonly name: string;
  readonly ready = new FairKeys<K>();
  active = 0;
  readonly turn: ListEntry<Lane<K>> = new ListEntry<Lane<K>>(this);

  constructor(name: string) {
    this.name = name;
  }
}

/**
 * Ready keys in lanes, and those that are being worked on, so that slow work in one lane doesn't delay the others.
 *
 * - A lane may always work on its reserve concurrently, an eighth of the concurrency and at least one key, even if others use the
 *   whole concurrency. Work that hangs costs memory, but nothing that others need.
 * - Beyond its reserve, a lane shares the rest with the others, in turns. It may use the whole concurrency while no other lane
 *   needs it, and three quarters otherwise.
 *
 * Each operation takes constant time.
 */
export class Lanes<K> {
  readonly #concurrency: number;
  readonly #reserve: number;
  readonly #maxShare: number;
  readonly #policy: LanePolicy<K>;
  readonly #lanes = new Map<string, Lane<K>>();
  /** Lanes of the ready keys. */
  readonly #ready = new Map<K, Lane<K>>();
  /** Lanes of the keys that are being worked on. */
  readonly #active = new Map<K, Lane<K>>();
  /** Lanes with ready keys that don't use their whole reserve. They may start. */
  readonly #entitled = new LinkedList<Lane<K>>();
  /** Other lanes with ready keys. They may start while the concurrency isn't used up. */
  readonly #sharing = new LinkedList<Lane<K>>();
  /** Number of keys that the latest `take` moved to other lanes. */
  #moved = 0;

  constructor(concurrency: number, policy: LanePolicy<K> = singleLane) {
    this.#concurrency = concurrency;
    this.#reserve = Math.max(1, Math.floor((concurrency * minLaneShare) / 100));
    this.#maxShare = Math.max(1, Math.floor((concurrency * maxLaneShare) / 100));
    this.#policy = policy;
  }

  /** Number of ready keys. */
  get size(): number {
    return this.#ready.size;
  }

  has(key: K): boolean {
    return this.#ready.has(key);
  }

  /** Adds a ready key. One that is ready already keeps its place, unless it becomes urgent or its lane has changed. */
  add(ready: ReadyKey<K>): void {
    const { key } = ready;
    const name = this.#policy.laneOf(key);
    const known = this.#ready.get(key);
    const former = known?.ready.get(key);
    if (!known || !former) {
      this.#insert(ready, name);
      return;
    }
    const urgent = ready.urgent || former.urgent;
    if (known.name === name && urgent === former.urgent) return;
    this.delete(key);
    this.#insert({ ...former, urgent }, name);
  }

  /** Moves a ready key to the lane that it belongs to now. */
  relocate(key: K): void {
    const ready = this.#ready.get(key)?.ready.get(key);
    if (ready) this.add(ready);
  }

  delete(key: K): void {
    const lane = this.#ready.get(key);
    if (!lane) return;
    this.#ready.delete(key);
    lane.ready.delete(key);
    this.#place(lane);
  }

  clear(): void {
    for (const key of [...this.#ready.keys()]) this.delete(key);
  }

  /** Returns the ready keys. */
  keys(): Iterable<K> {
    return this.#ready.keys();
  }

  /** Reports whether the latest `take` found none as many keys had to move to other lanes, so that it may find one the next time. */
  get isMoving(): boolean {
    return this.#moved === maxMovedAtOnce;
  }

  /** Returns the next key that may start, which is being worked on from now on; `undefined` if none may. */
  take(): ReadyKey<K> | undefined {
    this.#moved = 0;
    for (let lane = this.#next(); lane && !this.isMoving; lane = this.#next()) {
      const ready = lane.ready.take();
      if (!ready) throw new Error(`the lane "${lane.name}" has no ready key although it is due`);
      this.#ready.delete(ready.key);
      const current = this.#policy.laneOf(ready.key);
      if (current === lane.name) {
        this.#begin(ready.key, lane);
        return ready;
      }
      this.#place(lane);
      this.#insert(ready, current);
      this.#moved++;
    }
    return undefined;
  }

  /** Ends the work on a key. */
  end(key: K): void {
    const lane = this.#active.get(key);
    if (!lane) return;
    this.#active.delete(key);
    lane.active--;
    this.#place(lane);
  }

  /** Counts the work on a key to another lane from now on, as that is the one that it waits for. */
  enter(key: K, name: string): void {
    const lane = this.#active.get(key);
    if (!lane || lane.name === name) return;
    this.end(key);
    this.#begin(key, this.#lane(name));
  }

  /** The lane gets its next turn after all others. */
  #begin(key: K, lane: Lane<K>): void {
    this.#active.set(key, lane);
    lane.active++;
    lane.turn.list?.push(lane.turn);
    this.#place(lane);
  }

  #next(): Lane<K> | undefined {
    if (this.#entitled.first) return this.#entitled.first.value;
    if (this.#active.size >= this.#concurrency) return undefined;
    // At most one lane has more than half of the concurrency.
    const { first } = this.#sharing;
    return first && first.value.active >= this.#share() ? first.next?.value : first?.value;
  }

  #share(): number {
    return this.#lanes.size > 1 || this.#policy.isShared() ? this.#maxShare : this.#concurrency;
  }

  #insert(ready: ReadyKey<K>, name: string): void {
    const lane = this.#lane(name);
    lane.ready.add(ready, this.#policy.groupOf(ready.key));
    this.#ready.set(ready.key, lane);
    this.#place(lane);
  }

  #lane(name: string): Lane<K> {
    const lane = this.#lanes.get(name) ?? new Lane<K>(name);
    this.#lanes.set(name, lane);
    return lane;
  }

  /** Puts a lane into the list that fits its state, or drops it if it is empty. */
  #place({ name, ready, active, turn }: Lane<K>): void {
    if (ready.size === 0) {
      turn.list?.remove(turn);
      if (active === 0) this.#lanes.delete(name);
      return;
    }
    const list = active < this.#reserve ? this.#entitled : this.#sharing;
    if (turn.list !== list) list.push(turn);
  }
}
