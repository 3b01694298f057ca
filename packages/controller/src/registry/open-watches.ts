import { limits } from '../limits/limits.ts';
import { type Watch, WatchRefused } from './watch.ts';

const { maxWatchDelay } = limits.watches;

/** Options of a set of open watches. */
export interface OpenWatchesOptions {
  /** Maximum number of all watches, and of those of one host. */
  max: number;
  maxPerPeer: number;
  /** What to do instead of opening another watch. */
  advice: string;
  /** Called before the first watch is open. Returns what is called after the last one is closed. */
  begin: () => () => void;
}

/** Open watches, on all ports. Their number is limited, by peer and in all. The watch of a reader that reads nothing is ended. */
export class OpenWatches<W extends Watch<unknown>> implements Iterable<W> {
  readonly #options: OpenWatchesOptions;
  readonly #open = new Set<W>();
  #timer: NodeJS.Timeout | undefined;
  #end: (() => void) | undefined;

  constructor(options: OpenWatchesOptions) {
    this.#options = options;
  }

  [Symbol.iterator](): Iterator<W> {
    return this.#open.values();
  }

  get size(): number {
    return this.#open.size;
  }

  /** Adds a watch, until its signal is aborted or it is closed. Throws `WatchRefused` when there are too many. */
  add(watch: W): void {
    const { peer, signal } = watch.reader;
    this.#checkNumber(peer);
    this.#end ??= this.#options.begin();
    this.#timer ??= setInterval(() => this.#checkDelays(), maxWatchDelay / 4).unref();
    this.#open.add(watch);
    const close = () => this.close(watch);
    if (signal.aborted) close();
    else signal.addEventListener('abort', close, { once: true });
  }

  /** Closes a watch. Can be called again. */
  close(watch: W): void {
    if (!this.#open.delete(watch)) return;
    watch.clear();
    watch.wake();
    if (this.#open.size > 0) return;
    this.#end?.();
    this.#end = undefined;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #checkNumber(peer: string): void {
    const { max, maxPerPeer, advice } = this.#options;
    let ofPeer = 0;
    for (const { reader } of this.#open) if (reader.peer === peer) ofPeer++;
    if (ofPeer >= maxPerPeer) {
      throw new WatchRefused(`${peer} has ${ofPeer} watches open, the maximum; close some of them, or share one`);
    }
    if (this.#open.size >= max) {
      throw new WatchRefused(`${this.#open.size} watches are open, the maximum of all; try again later${advice}`);
    }
  }

  #checkDelays(): void {
    const oldest = performance.now() - maxWatchDelay;
    for (const watch of this.#open) {
      if (watch.handedOverAt !== undefined && watch.handedOverAt < oldest)
        watch.cut(`it has read nothing for ${maxWatchDelay / 1_000} s`);
    }
  }
}
