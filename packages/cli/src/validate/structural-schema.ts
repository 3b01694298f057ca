import type { JsonObject, JsonValue } from '@kplug/controller';
import { copyJson, isJsonObject } from '@kplug/controller/tools';
import { objectOf } from '../doctor/read-json.ts';
import type { FieldPath } from './finding.ts';

/** Value with the schema that a structural schema has for it. */
export interface SchemaNode {
  value: JsonValue;
  schema: JsonObject;
  path: FieldPath;
}

/** Keyword of a schema that keeps fields that it does not declare. */
export const preserveUnknownFields = 'x-kubernetes-preserve-unknown-fields';

/** Fields of every resource, whose schema is that of Kubernetes. */
const resourceFields: ReadonlySet<string> = new Set(['apiVersion', 'kind', 'metadata']);

/** Yields a value and the values in it that have a schema. The metadata of resources is left out. */
export function* walkSchema(value: JsonValue, schema: JsonObject, path: FieldPath = []): Generator<SchemaNode, void> {
  yield { value, schema, path };
  if (Array.isArray(value)) {
    if (!isJsonObject(schema.items)) return;
    for (const [index, item] of value.entries()) yield* walkSchema(item, schema.items, [...path, index]);
  } else if (isJsonObject(value)) {
    for (const [name, field] of Object.entries(value)) {
      const inner = isResourceField(name, schema, path) ? undefined : schemaOfField(schema, name);
      if (inner && field !== undefined) yield* walkSchema(field, inner, [...path, name]);
    }
  }
}

/** Returns the fields of an object that its schema does not have, and that the API server removes or refuses. */
export function unknownFieldsOf({ value, schema, path }: SchemaNode): string[] {
  // Another type than that of the schema is a fault by itself.
  const isObject =
    isJsonObject(value) && (schema.type ?? 'object') === 'object' && !schema['x-kubernetes-int-or-string'];
  if (!isObject || keepsUnknownFields(schema) || schema.additionalProperties === true) return [];
  return Object.keys(value).filter((name) => !isResourceField(name, schema, path) && !schemaOfField(schema, name));
}

/** Returns the fields that the schema of an object declares. */
export function declaredFieldsOf({ properties }: JsonObject): string[] {
  return Object.keys(objectOf(properties));
}

/**
 * Completes a value as the API server does before it validates: fields get their defaults, and fields that are `null` without being
 * nullable are removed. Returns a copy.
 */
export function completeValue(value: JsonValue, schema: JsonObject): JsonValue {
  if (Array.isArray(value)) {
    const { items } = schema;
    return isJsonObject(items) ? value.map((item) => completeValue(item, items)) : copyJson(value);
  }
  if (!isJsonObject(value)) return value;
  const completed: JsonObject = {};
  for (const [name, field] of Object.entries(value)) {
    const inner = schemaOfField(schema, name);
    const isRemoved = field === undefined || (field === null && inner !== undefined && inner.nullable !== true);
    if (!isRemoved) completed[name] = inner ? completeValue(field, inner) : copyJson(field);
  }
  addDefaults(completed, schema);
  return completed;
}

function addDefaults(object: JsonObject, { properties }: JsonObject): void {
  for (const [name, field] of Object.entries(objectOf(properties))) {
    const inner = objectOf(field);
    if (inner.default === undefined || Object.hasOwn(object, name)) continue;
    object[name] = completeValue(inner.default, inner);
  }
}

/** Reports whether a schema keeps fields that it does not declare. */
export function keepsUnknownFields(schema: JsonObject): boolean {
  return schema[preserveUnknownFields] === true;
}

function isResourceField(name: string, schema: JsonObject, path: FieldPath): boolean {
  const isResource = path.length === 0 || schema['x-kubernetes-embedded-resource'] === true;
  return isResource && resourceFields.has(name);
}

function schemaOfField({ properties, additionalProperties }: JsonObject, name: string): JsonObject | undefined {
  const declared = objectOf(properties);
  if (Object.hasOwn(declared, name)) return objectOf(declared[name]);
  return isJsonObject(additionalProperties) ? additionalProperties : undefined;
}
