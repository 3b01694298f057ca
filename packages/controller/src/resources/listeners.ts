import { visitAll } from '../queue/slices.ts';
import type { ResourceChange, ResourceListener } from './port.ts';
import { keyOf, type Resource, type ResourceKey, type ResourceKind } from './resource.ts';

/** Listener of a kind. */
interface Subscription {
  readonly listener: ResourceListener;
  /** Resources that the listener has received, while it receives the existing ones; `undefined` afterwards. */
  received: Set<ResourceKey> | undefined;
}

/** Change, and the subscriptions that receive it. */
interface Announcement {
  readonly change: ResourceChange;
  readonly to: readonly Subscription[];
}

/** Listeners by kind. All listeners receive a change before the next one, even if a listener causes that one. */
export class Listeners {
  readonly #byKind = new Map<string, readonly Subscription[]>();
  readonly #waiting: Announcement[] = [];
  #isNotifying = false;

  /**
   * Adds a listener, which receives the existing resources in slices, and each change from now on. A resource that changes before it
   * was received is received once, in its new state. Fulfilled when the listener has received all, or was removed.
   *
   * @param get returns the current state of a resource.
   */
  async add(
    kind: ResourceKind,
    listener: ResourceListener,
    present: Iterable<Resource>,
    get: (key: ResourceKey) => Resource | undefined,
  ): Promise<void> {
    const name = nameOf(kind);
    const received = new Set<ResourceKey>();
    const subscription: Subscription = { listener, received };
    this.#byKind.set(name, [...(this.#byKind.get(name) ?? []), subscription]);
    // A copy, as resources come and go between the slices.
    await visitAll([...present], (resource) => {
      if (!this.#isCurrent(name, subscription)) return;
      const key = keyOf(resource);
      const current = received.has(key) ? undefined : get(key);
      if (current) this.#announce({ change: { resource: current, gone: false }, to: [subscription] });
    });
    subscription.received = undefined;
  }

  /** Removes a listener. Returns whether the kind has other listeners. */
  remove(kind: ResourceKind, listener: ResourceListener): boolean {
    const name = nameOf(kind);
    const left = (this.#byKind.get(name) ?? []).filter((other) => other.listener !== listener);
    if (left.length > 0) this.#byKind.set(name, left);
    else this.#byKind.delete(name);
    return left.length > 0;
  }

  clear(): void {
    this.#byKind.clear();
    this.#waiting.length = 0;
  }

  notify(change: ResourceChange): void {
    const to = this.#byKind.get(nameOf(change.resource));
    if (to) this.#announce({ change, to });
  }

  #announce(announcement: Announcement): void {
    this.#waiting.push(announcement);
    // A listener that causes a change re-enters here. The outer loop announces that change next.
    if (this.#isNotifying) return;
    this.#isNotifying = true;
    try {
      for (let next = this.#waiting.shift(); next; next = this.#waiting.shift()) this.#deliver(next);
    } finally {
      this.#isNotifying = false;
    }
  }

  #deliver({ change, to }: Announcement): void {
    const name = nameOf(change.resource);
    for (const subscription of to) {
      if (!this.#isCurrent(name, subscription)) continue;
      const { listener, received } = subscription;
      if (received) deliverFirst(change, listener, received);
      else listener(change);
    }
  }

  #isCurrent(name: string, subscription: Subscription): boolean {
    return this.#byKind.get(name)?.includes(subscription) ?? false;
  }
}

/** Delivers a change to a listener that hasn't received all existing resources: to it, the resource may be a new one. */
function deliverFirst(change: ResourceChange, listener: ResourceListener, received: Set<ResourceKey>): void {
  const key = keyOf(change.resource);
  const isKnown = received.has(key);
  received.add(key);
  const { resource, gone } = change;
  if (isKnown) listener(change);
  else if (!gone) listener({ resource, gone });
}

function nameOf({ apiVersion, kind }: ResourceKind): string {
  return `${apiVersion}/${kind}`;
}
