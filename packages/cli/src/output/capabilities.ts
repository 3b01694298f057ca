import { InstanceState, type PluginInstance } from '@kplug/protocol';
import { plain, type TableContent } from './table.ts';

/** Capability that one version of a plugin provides. */
export interface ListedCapability {
  category: string;
  type: string;
  versions: string[];
  plugin: string;
  pluginVersion: string;
  api: string;
  /** Number of live instances. Without any, resources that ask for it wait. */
  ready: number;
  instances: number;
}

/** Returns the capabilities of plugin instances, ordered by category, type and plugin. */
export function capabilitiesOf(instances: readonly PluginInstance[]): ListedCapability[] {
  const found = new Map<string, ListedCapability>();
  for (const { registration, state } of instances) {
    if (!registration) continue;
    const { plugin, version: pluginVersion, apis } = registration;
    for (const { name: api, provides } of apis) {
      for (const { category, type, versions } of provides) {
        const key = JSON.stringify([category, type, plugin, pluginVersion, api, versions]);
        const known = found.get(key);
        const one = known ?? { category, type, versions, plugin, pluginVersion, api, ready: 0, instances: 0 };
        one.instances += 1;
        if (state === InstanceState.LIVE) one.ready += 1;
        found.set(key, one);
      }
    }
  }
  const order = ({ category, type, plugin, pluginVersion }: ListedCapability) =>
    [category, type, plugin, pluginVersion].join('\n');
  return [...found.values()].sort((a, b) => (order(a) < order(b) ? -1 : 1));
}

/** Returns a table of capabilities. */
export function capabilityTable(capabilities: readonly ListedCapability[]): TableContent {
  return {
    header: ['CATEGORY', 'TYPE', 'VERSIONS', 'PLUGIN', 'PLUGIN-VERSION', 'API', 'READY'],
    rows: capabilities.map(({ category, type, versions, plugin, pluginVersion, api, ready, instances }) => [
      plain(category),
      plain(type),
      plain(versions.join(', ')),
      plain(plugin),
      plain(pluginVersion),
      plain(api),
      `${ready}/${instances}`,
    ]),
  };
}
