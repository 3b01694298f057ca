import { limits } from '../limits/limits.ts';

const { maxWatches, maxWatchesPerPeer } = limits.watches;

/** Reason why a watch was not opened or was ended, with the remedy. Its gRPC status is RESOURCE_EXHAUSTED. */
export class WatchRefused extends Error {}

/** Places for open watches of any sort, on all ports: a limited number, by peer and in all. */
export class WatchSlots {
  readonly #byPeer = new Map<string, number>();
  #size = 0;

  /** Takes a place. Returns a function that gives it back, once. Throws `WatchRefused` when there is none. */
  take(peer: string): () => void {
    const ofPeer = this.#byPeer.get(peer) ?? 0;
    if (ofPeer >= maxWatchesPerPeer) {
      throw new WatchRefused(`${peer} has ${ofPeer} watches open, the maximum; close some of them, or share one`);
    }
    if (this.#size >= maxWatches) {
      throw new WatchRefused(`${this.#size} watches are open, the maximum of all; try again later, or list instead`);
    }
    this.#count(peer, 1);
    let isTaken = true;
    return () => {
      if (isTaken) this.#count(peer, -1);
      isTaken = false;
    };
  }

  #count(peer: string, change: 1 | -1): void {
    const ofPeer = (this.#byPeer.get(peer) ?? 0) + change;
    if (ofPeer === 0) this.#byPeer.delete(peer);
    else this.#byPeer.set(peer, ofPeer);
    this.#size += change;
  }
}
