import { createHash } from 'node:crypto';
import { formatJson } from '@kplug/protocol';
import type { PluginCall } from '../../clients/plugin-call.ts';
import type { Implementation } from '../../registry/implementation.ts';
import type { Resource } from '../../resources/resource.ts';

/**
 * Hashes what an answer depends on: the plugin in its version, the API, the capability, the base and its extensions without their statuses,
 * and the dependents in their state. The attempt and the reason for the choice don't count, nor does the version that an upgrade came from.
 */
export function hashInput({ plugin, version, api }: Implementation, call: PluginCall): string {
  const { capability, delegation } = call.assignment;
  const hash = createHash('sha256');
  const add = (value: unknown) => hash.update(`${formatJson(value)}\n`);
  add([plugin.key, version, api.name, api.version.version, delegation]);
  add(capability ? [capability.category, capability.type, capability.version] : []);
  add(desiredStateOf(call.base));
  for (const [key, extension] of sortedByKey(call.extensions)) add([key, desiredStateOf(extension)]);
  for (const [key, { metadata }] of sortedByKey(call.dependents)) add([key, metadata.uid, metadata.resourceVersion]);
  return hash.digest('base64');
}

/** Returns what identifies the desired state of a resource. The generation stands for its content. */
function desiredStateOf({ metadata }: Resource): object {
  const { uid, generation, deletionTimestamp, labels = {}, annotations = {} } = metadata;
  return { uid, generation, deletionTimestamp, labels, annotations };
}

function sortedByKey(resources: ReadonlyMap<string, Resource>): [string, Resource][] {
  return [...resources].sort(([a], [b]) => (a < b ? -1 : 1));
}
