import { keyOf, type Resource, type ResourceChange, type ResourceKey, type ResourceListener } from '@kplug/controller';

/** Change of the store that a watch has yet to deliver. */
interface WatchEvent {
  resource: Resource;
  gone: boolean;
  /** Reports whether the event was delivered before. */
  isRepeated?: boolean;
}

/**
 * Cache of one kind with its watch, as the port allows it: events arrive late but in order; events that are lost are made up for by a
 * list, which shows only the last state; duplicates and older states are ignored.
 */
export class KindWatch {
  readonly #cache = new Map<ResourceKey, Resource>();
  readonly #listeners = new Set<ResourceListener>();
  readonly #list: () => Iterable<Resource>;
  readonly #step: (label: string) => Promise<void>;
  readonly #onChange: (change: ResourceChange) => void;
  #events: WatchEvent[] = [];
  #isBroken = false;
  #isDelivering = false;
  /** Fulfilled when the existing resources are known. */
  readonly listed: Promise<void>;

  /**
   * @param step fulfilled when the scheduler lets a step happen.
   * @param list lists the stored resources.
   * @param onChange receives each change before the listeners.
   */
  constructor(
    step: (label: string) => Promise<void>,
    list: () => Iterable<Resource>,
    onChange: (change: ResourceChange) => void,
  ) {
    this.#step = step;
    this.#list = list;
    this.#onChange = onChange;
    this.listed = this.#listAgain();
  }

  get(key: ResourceKey): Resource | undefined {
    return this.#cache.get(key);
  }

  values(): Iterable<Resource> {
    return this.#cache.values();
  }

  add(listener: ResourceListener): void {
    for (const resource of this.#cache.values()) listener({ resource, gone: false });
    this.#listeners.add(listener);
  }

  remove(listener: ResourceListener): void {
    this.#listeners.delete(listener);
  }

  close(): void {
    this.#listeners.clear();
    this.#events = [];
    this.#isBroken = true;
  }

  /** Receives a change of the store, which the listeners receive later. */
  push(resource: Resource, gone: boolean): void {
    if (this.#isBroken) return;
    this.#events.push({ resource, gone });
    void this.#deliver();
  }

  /** Breaks the watch: events are lost until it is restored. */
  break(): void {
    this.#isBroken = true;
    this.#events = [];
  }

  /** Restores the watch with a new list. */
  async restore(): Promise<void> {
    if (this.#isBroken) await this.#listAgain();
  }

  /** Delivers the last event once more. */
  repeat(): void {
    const [last] = [...this.#cache.values()].slice(-1);
    if (!last || this.#isBroken) return;
    this.#events.push({ resource: last, gone: false, isRepeated: true });
    void this.#deliver();
  }

  /** Takes in the response to a write, unless the watch was faster. */
  putWritten(resource: Resource): void {
    const known = this.#cache.get(keyOf(resource));
    if (known?.metadata.uid === resource.metadata.uid) this.#put(resource);
  }

  /** Takes in the response to a write that removed the last finalizer, and with it the resource. The watch reports later that it is gone. */
  putLast(resource: Resource): void {
    const known = this.#cache.get(keyOf(resource));
    if (known?.metadata.uid !== resource.metadata.uid) return;
    this.#cache.set(keyOf(resource), resource);
    this.#notify({ resource, previous: known, gone: false });
  }

  async #listAgain(): Promise<void> {
    this.#isBroken = true;
    await this.#step('list');
    this.#isBroken = false;
    this.#events = [];
    const stored = [...this.#list()];
    for (const resource of stored) this.#put(resource);
    const keys = new Set(stored.map(keyOf));
    for (const [key, resource] of [...this.#cache]) if (!keys.has(key)) this.#remove(resource, resource);
  }

  async #deliver(): Promise<void> {
    if (this.#isDelivering) return;
    this.#isDelivering = true;
    while (this.#events.length > 0) {
      await this.#step('watch event');
      const event = this.#events.shift();
      if (!event || (event.isRepeated && !this.#cache.has(keyOf(event.resource)))) continue;
      if (event.gone) this.#removeKnown(event.resource);
      else this.#put(event.resource);
    }
    this.#isDelivering = false;
  }

  #put(resource: Resource): void {
    const key = keyOf(resource);
    const known = this.#cache.get(key);
    if (known && versionOf(known) >= versionOf(resource)) return;
    const previous = known?.metadata.uid === resource.metadata.uid ? known : undefined;
    if (known && !previous) this.#remove(known, known);
    this.#cache.set(key, resource);
    this.#notify({ resource, ...(previous && { previous }), gone: false });
  }

  #removeKnown(resource: Resource): void {
    const known = this.#cache.get(keyOf(resource));
    if (known && versionOf(known) <= versionOf(resource)) this.#remove(known, resource);
  }

  #remove(known: Resource, last: Resource): void {
    this.#cache.delete(keyOf(known));
    this.#notify({ resource: last, previous: known, gone: true });
  }

  #notify(change: ResourceChange): void {
    this.#onChange(change);
    for (const listener of [...this.#listeners]) listener(change);
  }
}

function versionOf({ metadata }: Resource): number {
  return Number(metadata.resourceVersion);
}
