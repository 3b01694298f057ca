import type { PluginName } from '../names.ts';
import type { Implementation } from '../registry/implementation.ts';
import type { Registry } from '../registry/registry.ts';
import type { Resources } from '../resources/port.ts';
import { parseKey, type Resource, type ResourceKey } from '../resources/resource.ts';
import { type Choice, findHolder } from './choose.ts';
import type { DelegationSettings } from './delegation-settings.ts';
import type { ExtensionFollower } from './extension-follower.ts';
import { holdersOf } from './status.ts';

/** Dependencies of a lane finder. */
export interface LaneFinderOptions {
  settings: DelegationSettings;
  resources: Resources;
  registry: Registry;
  extensions: ExtensionFollower;
  choose: (base: Resource) => Choice;
  isReleased: (base: Resource) => boolean;
}

/** Lane of the resources that wait for no plugin. */
const noPlugin = '';

/** Returns the lane of the calls of `Reconcile` of a plugin. */
export function reconcileLane(plugin: PluginName): string {
  return `Reconcile ${plugin.key}`;
}

/** Returns the lane of the calls of `Finalize` of a plugin. */
export function finalizeLane(plugin: PluginName): string {
  return `Finalize ${plugin.key}`;
}

/** Finds the lane of a resource in the queue: what its next pass will wait for. */
export class LaneFinder {
  readonly #options: LaneFinderOptions;
  #implementations: readonly Implementation[] = [];
  #isShared = false;

  constructor(options: LaneFinderOptions) {
    this.#options = options;
  }

  laneOf(key: ResourceKey): string {
    const { settings, resources, extensions, choose, isReleased } = this.#options;
    const base = resources.get(key);
    if (!base) return noPlugin;
    const holders = holdersOf(base);
    if (base.metadata.deletionTimestamp) {
      const [first] = holders;
      return settings.finalize.needed && first ? finalizeLane(first.plugin) : noPlugin;
    }
    if (isReleased(base)) return noPlugin;
    const pending = extensions.pendingLane(base);
    if (pending !== undefined) return pending;
    const { chosen } = choose(base).selection;
    if (settings.handOver === 'finalize' && chosen.length > 0) {
      const former = holders.find((holder) => !chosen.some(({ plugin }) => plugin.equals(holder.plugin)));
      if (former && findHolder(former, settings, this.#options.registry)) return finalizeLane(former.plugin);
    }
    return chosen.length > 0 ? chosen.map(({ plugin }) => reconcileLane(plugin)).join() : noPlugin;
  }

  /** Namespaces take turns. */
  groupOf(key: ResourceKey): string {
    return parseKey(key).namespace;
  }

  /** Reports whether several plugins are registered, so that each may need a share of the concurrency. */
  isShared(): boolean {
    const { registry, settings } = this.#options;
    const implementations = registry.implementations(settings.api);
    // The list is the same object until an implementation is added or removed.
    if (implementations !== this.#implementations) {
      this.#implementations = implementations;
      this.#isShared = new Set(implementations.map(({ plugin }) => plugin.key)).size > 1;
    }
    return this.#isShared;
  }
}
