import { findCondition } from '../../resources/conditions.ts';
import type { Resource } from '../../resources/resource.ts';
import type { PluginCondition } from '../plugin-call.ts';

/**
 * Condition of the base that records that a plugin's `create` has succeeded. Like any condition of a plugin it stays while the
 * resource belongs to the plugin, and is removed when the resource is handed over to another one.
 *
 * @param warning reason and message of the condition while a later call needs attention.
 */
export function creationOf(plugin: string, warning?: Pick<PluginCondition, 'reason' | 'message'>): PluginCondition {
  const content = warning ?? { reason: 'Created', message: `create of ${plugin} has succeeded` };
  return { type: typeOf(plugin), status: 'True', ...content };
}

/** Reports whether a plugin's `create` has succeeded for a resource. */
export function isCreatedBy(plugin: string, { status }: Resource): boolean {
  return findCondition(status, typeOf(plugin))?.status === 'True';
}

/** Reason of the condition of a plugin; `undefined` without one. */
export function creationReasonOf(plugin: string, { status }: Resource): string | undefined {
  return findCondition(status, typeOf(plugin))?.reason;
}

/** Type of the condition, one for each plugin, as several plugins may serve one resource. Names of plugins are valid in it. */
function typeOf(plugin: string): string {
  return `created.kplug.dev/${plugin}`;
}
