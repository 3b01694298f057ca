import type { JsonValue } from '@kplug/controller';
import { formatPath, isJsonObject, jsonEquals } from '@kplug/controller/tools';
import { textsOf } from '../doctor/read-json.ts';
import type { DocumentFault } from './finding.ts';
import type { SchemaNode } from './structural-schema.ts';

/** Finds items that occur more than once in a list that is a set, or a map by the values of some fields. */
export function findListFaults({ value, schema, path }: SchemaNode): DocumentFault[] {
  const type = schema['x-kubernetes-list-type'];
  if (!Array.isArray(value) || (type !== 'set' && type !== 'map')) return [];
  const fields = textsOf(schema['x-kubernetes-list-map-keys']);
  const seen = new Map<string, { index: number; item: JsonValue }[]>();
  return value.flatMap((item, index) => {
    const identity = type === 'set' ? item : identityOf(item, fields);
    const text = textOf(identity);
    const others = seen.get(text) ?? [];
    const first = others.find((other) => jsonEquals(other.item, identity));
    if (!first) {
      seen.set(text, [...others, { index, item: identity }]);
      return [];
    }
    const by = type === 'map' ? `, by ${fields.join(' and ')}` : '';
    const message = `${formatPath([...path, index])} is the same as ${formatPath([...path, first.index])}${by}; remove one`;
    return [{ check: 'ItemDuplicated', severity: 'error' as const, path: [...path, index], message }];
  });
}

function identityOf(item: JsonValue, fields: readonly string[]): JsonValue {
  if (!isJsonObject(item)) return item;
  return Object.fromEntries(fields.map((field) => [field, item[field] ?? null]));
}

/** Returns a text that equal values share. */
function textOf(value: JsonValue): string {
  if (isJsonObject(value))
    return Object.values(value)
      .map((field) => textOf(field ?? null))
      .join();
  return Array.isArray(value) ? value.map(textOf).join() : String(value);
}
