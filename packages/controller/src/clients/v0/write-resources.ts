import type { MessageInitShape } from '@bufbuild/protobuf';
import type { v0 } from '@kplug/protocol';
import type { Resource } from '../../resources/resource.ts';
import { formatYaml } from '../../resources/yaml/format-yaml.ts';
import type { PluginCall } from '../plugin-call.ts';

/** Encodes a call as a v0 request. */
export function writeResources({ base, extensions }: PluginCall): MessageInitShape<typeof v0.ResourcesSchema> {
  const references = [...extensions].map(([key, extension]) => [key, { yaml: writeYaml(extension) }]);
  return { base: { yaml: writeYaml(base) }, references: Object.fromEntries(references) };
}

/** Writes YAML with all strings quoted, as YAML 1.1 parsers read `no` or `1_0` as other types. */
function writeYaml(resource: Resource): string {
  return formatYaml(resource, { isQuoted: true });
}
