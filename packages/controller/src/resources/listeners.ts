import type { ResourceChange, ResourceListener } from './port.ts';
import type { Resource, ResourceKind } from './resource.ts';

interface Announcement {
  change: ResourceChange;
  listeners: readonly ResourceListener[];
}

/** Who hears of the changes of which kind. Each change is told to all before the next one, even if a listener causes it. */
export class Listeners {
  readonly #byKind = new Map<string, readonly ResourceListener[]>();
  readonly #waiting: Announcement[] = [];
  #telling = false;

  /** Adds a listener, which is told first of what is there. */
  add(kind: ResourceKind, listener: ResourceListener, present: Iterable<Resource>): void {
    const name = nameOf(kind);
    this.#byKind.set(name, [...(this.#byKind.get(name) ?? []), listener]);
    for (const resource of present) this.#waiting.push({ change: { resource, gone: false }, listeners: [listener] });
    this.#tellWaiting();
  }

  /** Takes a listener away, and returns whether anybody else hears of the kind. */
  remove(kind: ResourceKind, listener: ResourceListener): boolean {
    const name = nameOf(kind);
    const left = (this.#byKind.get(name) ?? []).filter((other) => other !== listener);
    if (left.length > 0) this.#byKind.set(name, left);
    else this.#byKind.delete(name);
    for (const announcement of this.#waiting) {
      announcement.listeners = announcement.listeners.filter((other) => other !== listener);
    }
    return left.length > 0;
  }

  clear(): void {
    this.#byKind.clear();
    this.#waiting.length = 0;
  }

  tell(change: ResourceChange): void {
    const listeners = this.#byKind.get(nameOf(change.resource));
    if (!listeners) return;
    this.#waiting.push({ change, listeners });
    this.#tellWaiting();
  }

  #tellWaiting(): void {
    // A listener that causes a change comes here again; the loop further up tells that change in its turn.
    if (this.#telling) return;
    this.#telling = true;
    try {
      for (let next = this.#waiting.shift(); next; next = this.#waiting.shift()) {
        for (const listener of next.listeners) listener(next.change);
      }
    } finally {
      this.#telling = false;
    }
  }
}

function nameOf({ apiVersion, kind }: ResourceKind): string {
  return `${apiVersion}/${kind}`;
}
