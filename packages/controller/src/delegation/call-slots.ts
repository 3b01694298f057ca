import { LinkedList, ListEntry } from '../queue/linked-list.ts';

interface Plugin {
  active: number;
  readonly waiting: LinkedList<() => void>;
}

/** Limit of the concurrent calls of each plugin. Further calls wait, first come, first served. */
export class CallSlots {
  readonly #limit: number;
  readonly #plugins = new Map<string, Plugin>();

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Makes a call as soon as fewer than the limit are in progress. */
  async run<T>(name: string, call: () => Promise<T>): Promise<T> {
    const plugin = this.#plugins.get(name) ?? { active: 0, waiting: new LinkedList() };
    this.#plugins.set(name, plugin);
    if (plugin.active < this.#limit) plugin.active++;
    else await new Promise<void>((resolve) => plugin.waiting.push(new ListEntry(resolve)));
    try {
      return await call();
    } finally {
      this.#release(name, plugin);
    }
  }

  /** Passes the slot on to the next call, or frees it. */
  #release(name: string, plugin: Plugin): void {
    const next = plugin.waiting.first;
    if (next) {
      plugin.waiting.remove(next);
      next.value();
      return;
    }
    plugin.active--;
    if (plugin.active === 0) this.#plugins.delete(name);
  }
}
