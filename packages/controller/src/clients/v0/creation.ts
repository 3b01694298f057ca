import { isJsonObject } from '../../resources/json.ts';
import type { Resource } from '../../resources/resource.ts';
import type { PluginCondition } from '../plugin-call.ts';

/**
 * Condition of the base that records that a plugin's `create` has succeeded. Like any condition of a plugin it stays while the
 * resource belongs to the plugin, and is removed when the resource is handed over to another one.
 */
export function creationOf(plugin: string): PluginCondition {
  const message = `${plugin} has created it; further calls are updates`;
  return { type: typeOf(plugin), status: 'True', reason: 'Created', message };
}

/** Reports whether a plugin's `create` has succeeded for a resource. */
export function isCreatedBy(plugin: string, { status }: Resource): boolean {
  const conditions = Array.isArray(status?.conditions) ? status.conditions : [];
  return conditions.some((one) => isJsonObject(one) && one.type === typeOf(plugin) && one.status === 'True');
}

/** Type of the condition, one for each plugin, as several plugins may serve one resource. Names of plugins are valid in it. */
function typeOf(plugin: string): string {
  return `created.kplug.dev/${plugin}`;
}
