import type { PluginName } from '../../names.ts';
import type { ResourceKey } from '../../resources/resource.ts';

/** Numbers of the base resources of a delegation that are assigned to each plugin, kept up to date, so that they are known without a walk. */
export class AssignedPlugins {
  /** Keys of the names of the plugins, by resource. Resources of one plugin share a list. */
  readonly #assigned = new Map<ResourceKey, readonly string[]>();
  /** Number of resources by plugin, and the list that those of this plugin alone share. */
  readonly #plugins = new Map<string, { count: number; alone: readonly string[] }>();

  /** Number of resources that are assigned to a plugin. */
  of(plugin: PluginName): number {
    return this.#plugins.get(plugin.key)?.count ?? 0;
  }

  set(key: ResourceKey, plugins: readonly PluginName[]): void {
    const former = this.#assigned.get(key) ?? [];
    if (former.length === plugins.length && plugins.every((plugin, index) => plugin.key === former[index])) return;
    this.delete(key);
    if (plugins.length === 0) return;
    const names = [...new Set(plugins.map((plugin) => plugin.key))];
    const [first] = names.map((name) => this.#add(name));
    this.#assigned.set(key, names.length === 1 && first ? first.alone : names);
  }

  delete(key: ResourceKey): void {
    for (const name of this.#assigned.get(key) ?? []) this.#remove(name);
    this.#assigned.delete(key);
  }

  #add(name: string): { count: number; alone: readonly string[] } {
    const known = this.#plugins.get(name) ?? { count: 0, alone: [name] };
    known.count++;
    this.#plugins.set(name, known);
    return known;
  }

  #remove(name: string): void {
    const known = this.#plugins.get(name);
    if (known && --known.count === 0) this.#plugins.delete(name);
  }
}
