import type { ResourceChange, ResourceListener } from './port.ts';
import type { Resource, ResourceKind } from './resource.ts';

/** Change, and the listeners that receive it. */
interface Announcement {
  change: ResourceChange;
  listeners: readonly ResourceListener[];
}

/** Listeners by kind. All listeners receive a change before the next one, even if a listener causes that one. */
export class Listeners {
  readonly #byKind = new Map<string, readonly ResourceListener[]>();
  readonly #waiting: Announcement[] = [];
  #isNotifying = false;

  /** Adds a listener, which first receives the existing resources. */
  add(kind: ResourceKind, listener: ResourceListener, present: Iterable<Resource>): void {
    const name = nameOf(kind);
    this.#byKind.set(name, [...(this.#byKind.get(name) ?? []), listener]);
    for (const resource of present) this.#waiting.push({ change: { resource, gone: false }, listeners: [listener] });
    this.#notifyWaiting();
  }

  /** Removes a listener. Returns whether the kind has other listeners. */
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

  notify(change: ResourceChange): void {
    const listeners = this.#byKind.get(nameOf(change.resource));
    if (!listeners) return;
    this.#waiting.push({ change, listeners });
    this.#notifyWaiting();
  }

  #notifyWaiting(): void {
    // A listener that causes a change re-enters here. The outer loop announces that change next.
    if (this.#isNotifying) return;
    this.#isNotifying = true;
    try {
      for (let next = this.#waiting.shift(); next; next = this.#waiting.shift()) {
        for (const listener of next.listeners) listener(next.change);
      }
    } finally {
      this.#isNotifying = false;
    }
  }
}

function nameOf({ apiVersion, kind }: ResourceKind): string {
  return `${apiVersion}/${kind}`;
}
