import { createHash } from 'node:crypto';
import { formatJson } from '@kplug/protocol';
import { isJsonObject } from '../../resources/json.ts';
import type { JsonValue, Resource } from '../../resources/resource.ts';

/** Hashes what a user wants of a base: its content without metadata and status, whatever the order of the keys. */
export function hashContent({ metadata: _, status: __, ...content }: Resource): string {
  const sorted = sortKeys(content as unknown as JsonValue);
  return createHash('sha256').update(formatJson(sorted)).digest('hex').slice(0, 16);
}

function sortKeys(value: JsonValue): JsonValue {
  if (Array.isArray(value)) return value.map(sortKeys);
  if (!isJsonObject(value)) return value;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, one]) => [key, one === undefined ? one : sortKeys(one)]));
}
