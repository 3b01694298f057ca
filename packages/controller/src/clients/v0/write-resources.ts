import type { MessageInitShape } from '@bufbuild/protobuf';
import type { v0 } from '@kplug/protocol';
import { stringify } from 'yaml';
import type { Resource } from '../../resources/resource.ts';
import type { PluginCall } from '../plugin-call.ts';

/** Writes a call as the first Kplug did. */
export function writeResources({ base, extensions }: PluginCall): MessageInitShape<typeof v0.ResourcesSchema> {
  const references = [...extensions].map(([key, extension]) => [key, { yaml: writeYaml(extension) }]);
  return { base: { yaml: writeYaml(base) }, references: Object.fromEntries(references) };
}

/** Every text stands in quotes, so that readers of YAML 1.1 don't take `no` or `1_0` for something else; nothing is an alias. */
function writeYaml(resource: Resource): string {
  return stringify(resource, { defaultStringType: 'QUOTE_DOUBLE', lineWidth: 0, aliasDuplicateObjects: false });
}
