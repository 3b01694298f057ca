import { isJsonObject } from '../../resources/json.ts';
import type { Resource } from '../../resources/resource.ts';
import type { PluginCondition } from '../plugin-call.ts';

/**
 * What remembers that a plugin's `create` has succeeded for a resource: a condition of the base. Like any other condition of
 * a plugin it stays for as long as the resource is the plugin's, whatever becomes of later calls, and is dropped when the
 * resource goes to another one.
 */
export function creationOf(plugin: string): PluginCondition {
  const message = `${plugin} has created it, and is called to update it from now on`;
  return { type: typeOf(plugin), status: 'True', reason: 'Created', message };
}

/** Whether a plugin has created what a resource describes. */
export function isCreatedBy(plugin: string, { status }: Resource): boolean {
  const conditions = Array.isArray(status?.conditions) ? status.conditions : [];
  return conditions.some((one) => isJsonObject(one) && one.type === typeOf(plugin) && one.status === 'True');
}

/** Several plugins may hold one resource. Names of plugins are sound names of conditions. */
function typeOf(plugin: string): string {
  return `created.kplug.dev/${plugin}`;
}
