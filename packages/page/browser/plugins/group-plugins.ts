import type { NameOwner, PluginInstance, PluginLoad } from '@kplug/protocol/services';
import { type InstanceWord, leaseOf } from './lease.ts';

/** A plugin with all that is known of it. */
export interface PluginRow {
  readonly name: string;
  readonly versions: readonly string[];
  readonly instances: readonly PluginInstance[];
  /** Numbers of instances by state, those that get calls first. */
  readonly states: readonly { readonly word: InstanceWord; readonly count: number }[];
  readonly load: PluginLoad | undefined;
  readonly owner: string;
}

const order: readonly InstanceWord[] = ['live', 'overdue', 'suspect', 'draining', 'unknown'];

/** Joins instances, load and owners by plugin. Names of plugins are case-insensitive. */
export function groupPlugins(
  instances: readonly PluginInstance[],
  loads: readonly PluginLoad[],
  owners: readonly NameOwner[],
  now: number,
): PluginRow[] {
  const byName = Map.groupBy(instances, ({ registration }) => (registration?.plugin ?? '').toLowerCase());
  const loadOf = new Map(loads.filter(({ plugin }) => plugin).map((load) => [load.plugin.toLowerCase(), load]));
  const ownerOf = new Map(owners.map(({ plugin, owner }) => [plugin.toLowerCase(), owner]));
  const names = new Set([...byName.keys(), ...loadOf.keys()]);
  return [...names]
    .map((key): PluginRow => {
      const own = byName.get(key) ?? [];
      const load = loadOf.get(key);
      const words = own.map((instance) => leaseOf(instance, now).word);
      return {
        name: own[0]?.registration?.plugin ?? load?.plugin ?? key,
        versions: [...new Set(own.map(({ registration }) => registration?.version ?? ''))].sort(),
        instances: own,
        states: order
          .map((word) => ({ word, count: words.filter((one) => one === word).length }))
          .filter(({ count }) => count > 0),
        load,
        owner: ownerOf.get(key) ?? '',
      };
    })
    .sort((a, b) => a.name.localeCompare(b.name));
}
