import { createHash } from 'node:crypto';
import { formatJson } from '@kplug/protocol';
import type { PluginCall } from '../../clients/plugin-call.ts';
import type { Implementation } from '../../registry/implementation.ts';
import { keyOf, type Resource } from '../../resources/resource.ts';

/**
 * Hashes what an answer depends on: the plugin in its version, the API, the capability, the base and its extensions without their statuses,
 * the dependents and the required resources in their state. The attempt and the reason for the choice don't count, nor does the version that an upgrade came from.
 */
export function hashInput({ plugin, version, api }: Implementation, call: PluginCall): string {
  const { capability, delegation } = call.assignment;
  const hash = createHash('sha256');
  const add = (value: unknown) => hash.update(`${formatJson(value)}\n`);
  add([plugin.key, version, api.name, api.version.version, delegation]);
  add(capability ? [capability.category, capability.type, capability.version] : []);
  add(desiredStateOf(call.base));
  for (const [key, extension] of sortedByKey(call.extensions)) add([key, desiredStateOf(extension)]);
  for (const [, dependent] of sortedByKey(call.dependents)) add(stateOf(dependent));
  for (const [name, resources] of sortedByKey(call.required)) add([name, resources.map(stateOf)]);
  return hash.digest('base64');
}

/** Returns what identifies the desired state of a resource. The generation stands for its content. */
function desiredStateOf({ metadata }: Resource): object {
  const { uid, generation, deletionTimestamp, labels = {}, annotations = {} } = metadata;
  return { uid, generation, deletionTimestamp, labels, annotations };
}

/** Returns what identifies a resource in its present state. */
function stateOf(resource: Resource): string[] {
  return [keyOf(resource), resource.metadata.uid, resource.metadata.resourceVersion];
}

function sortedByKey<V>(resources: ReadonlyMap<string, V>): [string, V][] {
  return [...resources].sort(([a], [b]) => (a < b ? -1 : 1));
}
