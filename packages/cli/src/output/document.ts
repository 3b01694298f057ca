import { formatYaml } from '@kplug/controller/tools';
import { formatJson, printableJson } from '@kplug/protocol';

/** Formats a value as YAML or JSON. */
export function formatDocument(value: unknown, format: 'yaml' | 'json'): string {
  return format === 'json' ? printableJson(formatJson(value, 2)) : toYaml(value);
}

/** Formats values as a stream of YAML documents or as a JSON array. */
export function formatDocuments(values: readonly unknown[], format: 'yaml' | 'json'): string {
  return format === 'json' ? printableJson(formatJson(values, 2)) : values.map(toYaml).join('\n---\n');
}

function toYaml(value: unknown): string {
  return formatYaml(value).trimEnd();
}
