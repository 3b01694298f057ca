import type { ResourceKey } from '../../resources/resource.ts';
import { SetsByKey } from '../../sets-by-key.ts';

/** Key of any plugin, whose arrival retries a resource. */
export const anyPlugin = '';

/**
 * Index from plugins, by the keys of their names, to the resources that are retried when an instance of the plugin arrives: those
 * that failed with it, or wait for it.
 */
export class AwaitedPlugins {
  readonly #resourcesOf = new SetsByKey<string, ResourceKey>();
  readonly #pluginsOf = new Map<ResourceKey, readonly string[]>();
  /** Revision of the registry at the latest arrival of an instance. */
  readonly #arrivals = new Map<string, number>();

  /**
   * Replaces the plugins that a resource awaits. Reports whether an instance of one of them has arrived since a revision of the
   * registry, so that the resource is due now.
   */
  set(resource: ResourceKey, plugins: readonly string[], since: number): boolean {
    this.delete(resource);
    if (plugins.length === 0) return false;
    if (plugins.some((plugin) => (this.#arrivals.get(plugin) ?? 0) > since)) return true;
    this.#pluginsOf.set(resource, plugins);
    for (const plugin of plugins) this.#resourcesOf.add(plugin, resource);
    return false;
  }

  /** Removes a resource. */
  delete(resource: ResourceKey): void {
    for (const plugin of this.#pluginsOf.get(resource) ?? []) this.#resourcesOf.delete(plugin, resource);
    this.#pluginsOf.delete(resource);
  }

  /** Records the arrival of an instance at a revision of the registry. Removes and returns the resources that are retried. */
  arrive(plugin: string, revision: number): Iterable<ResourceKey> {
    this.#arrivals.set(plugin, revision);
    this.#arrivals.set(anyPlugin, revision);
    return concatenate([plugin, anyPlugin].map((key) => this.#resourcesOf.take(key) ?? []));
  }

  /** Forgets the arrivals of a plugin that has no instances any more. */
  leave(plugin: string): void {
    this.#arrivals.delete(plugin);
  }
}

function* concatenate(all: readonly Iterable<ResourceKey>[]): Iterable<ResourceKey> {
  for (const one of all) yield* one;
}
