import {
  formatKey,
  type JsonObject,
  type JsonValue,
  parseKey,
  type Resource,
  type ResourceKey,
} from '../../resources/resource.ts';

/** A resource that is kept for a base, and the plugin that wanted it. */
export interface KeptDependent {
  key: ResourceKey;
  plugin: string;
}

/** What is kept for a base, by its status. */
export function readInventory({ status, metadata: { namespace = '' } }: Resource): KeptDependent[] {
  const { dependents } = status ?? {};
  if (!Array.isArray(dependents)) return [];
  return dependents.flatMap((entry) => {
    const { apiVersion, kind, name, plugin } = (entry ?? {}) as JsonObject;
    const isSound = [apiVersion, kind, name, plugin].every((part) => typeof part === 'string');
    if (!isSound) return [];
    const reference = { apiVersion: String(apiVersion), kind: String(kind), namespace, name: String(name) };
    return [{ key: formatKey(reference), plugin: String(plugin) }];
  });
}

/** What is kept for a base, as its status has it. */
export function writeInventory(kept: readonly KeptDependent[]): JsonValue[] {
  return kept.map(({ key, plugin }) => {
    const { apiVersion, kind, name } = parseKey(key);
    return { apiVersion, kind, name, plugin };
  });
}
