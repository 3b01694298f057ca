import { stringify } from 'yaml';

/** A value for programs. */
export function formatDocument(value: unknown, format: 'yaml' | 'json'): string {
  return format === 'json' ? JSON.stringify(value, null, 2) : toYaml(value);
}

/** Several values in one text: a stream of YAML documents, or a JSON array. */
export function formatDocuments(values: readonly unknown[], format: 'yaml' | 'json'): string {
  return format === 'json' ? JSON.stringify(values, null, 2) : values.map(toYaml).join('\n---\n');
}

function toYaml(value: unknown): string {
  // Long messages stay on one line, and equal values aren't made aliases of one another.
  return stringify(value, { lineWidth: 0, aliasDuplicateObjects: false }).trimEnd();
}
