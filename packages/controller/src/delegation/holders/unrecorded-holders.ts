import type { Implementation } from '../../registry/implementation.ts';
import { keyOf, type Resource, type ResourceKey } from '../../resources/resource.ts';
import { holdersOf } from '../passes/status.ts';
import type { Holder } from './holder.ts';

/** Plugins that were called for one resource, by their names. */
interface Called {
  uid: string;
  holders: Map<string, Holder>;
}

/**
 * Plugins that were called for a resource and that its status doesn't name yet: the answer was discarded, as something changed during the
 * call, or the status could not be written. What they created is finalized like that of the plugins in the status. Kept in memory only.
 */
export class UnrecordedHolders {
  readonly #called = new Map<ResourceKey, Called>();

  /** Returns the plugins that hold a resource: those that its status names, and those that were called since. */
  holdersOf(base: Resource): Holder[] {
    const called = this.#called.get(keyOf(base));
    const recorded = holdersOf(base);
    if (called?.uid !== base.metadata.uid) return recorded;
    return [...recorded.filter(({ plugin }) => !called.holders.has(plugin.key)), ...called.holders.values()];
  }

  /** Records plugins that were called. */
  add(base: Resource, implementations: readonly Implementation[]): void {
    const key = keyOf(base);
    const known = this.#called.get(key);
    const called = known?.uid === base.metadata.uid ? known : { uid: base.metadata.uid, holders: new Map() };
    this.#called.set(key, called);
    for (const { plugin, version, api } of implementations) {
      called.holders.set(plugin.key, { plugin, version, api: api.name, apiVersion: api.version.version });
    }
  }

  /** Removes a plugin that has finalized a resource. */
  remove(base: Resource, { plugin }: Holder): void {
    this.#called.get(keyOf(base))?.holders.delete(plugin.key);
  }

  /** Removes all plugins of a resource: its status names the plugins that hold it, or it is gone. */
  clear(key: ResourceKey): void {
    this.#called.delete(key);
  }
}
