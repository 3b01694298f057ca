import { PluginName } from '../../names.ts';
import { isJsonObject } from '../../resources/json.ts';
import { formatKey, type JsonValue, parseKey, type Resource, type ResourceKey } from '../../resources/resource.ts';

/** A dependent of a base, and the plugin that requested it. */
export interface InventoryEntry {
  key: ResourceKey;
  plugin: PluginName;
}

/** Reads the dependents of a base from its status. Malformed entries are left out. */
export function readInventory({ status, metadata: { namespace = '' } }: Resource): InventoryEntry[] {
  const { dependents } = status ?? {};
  if (!Array.isArray(dependents)) return [];
  return dependents.flatMap((entry) => {
    const { apiVersion, kind, name, plugin } = isJsonObject(entry) ? entry : {};
    if (typeof apiVersion !== 'string' || typeof kind !== 'string') return [];
    if (typeof name !== 'string' || typeof plugin !== 'string') return [];
    // Other slashes would make the key of a resource of another namespace.
    if (!/^([^/]+\/)?[^/]+$/.test(apiVersion) || /\//.test(kind + name)) return [];
    return [{ key: formatKey({ apiVersion, kind, namespace, name }), plugin: new PluginName(plugin) }];
  });
}

/** Writes the dependents of a base for its status. */
export function writeInventory(entries: readonly InventoryEntry[]): JsonValue[] {
  return entries.map(({ key, plugin }) => {
    const { apiVersion, kind, name } = parseKey(key);
    return { apiVersion, kind, name, plugin: plugin.text };
  });
}
