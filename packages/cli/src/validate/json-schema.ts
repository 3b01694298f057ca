import type { JsonObject, JsonValue } from '@kplug/controller';
import { isJsonObject } from '@kplug/controller/tools';
import { objectOf, objectsIn } from '../doctor/read-json.ts';
import { formats } from './formats.ts';
import { compilePattern } from './go-pattern.ts';

/** Keywords that mean the same in JSON Schema. */
const plainKeywords = [
  'minLength',
  'maxLength',
  'minItems',
  'maxItems',
  'minProperties',
  'maxProperties',
  'multipleOf',
  'required',
  'uniqueItems',
] as const;

/** Converts a structural schema of Kubernetes to JSON Schema. Unknown fields, defaults and rules are not part of the result. */
export function toJsonSchema(schema: JsonObject): JsonObject {
  const isNullable = schema.nullable === true;
  const converted: JsonObject = { ...typeOf(schema, isNullable), ...rangeOf(schema), ...combinationsOf(schema) };
  for (const keyword of plainKeywords)
    if (schema[keyword] !== undefined) converted[keyword] = plainJson(schema[keyword]);
  // The API server refuses null for an enumerated field, even if null is among its values.
  if (Array.isArray(schema.enum)) converted.enum = schema.enum.filter((one) => one !== null).map(plainJson);
  if (typeof schema.pattern === 'string' && compilePattern(schema.pattern)) converted.pattern = schema.pattern;
  if (typeof schema.format === 'string' && Object.hasOwn(formats, schema.format)) converted.format = schema.format;
  if (isJsonObject(schema.items)) converted.items = toJsonSchema(schema.items);
  if (isJsonObject(schema.additionalProperties))
    converted.additionalProperties = toJsonSchema(schema.additionalProperties);
  const fields = Object.entries(objectOf(schema.properties)).map(([name, field]) => [
    name,
    toJsonSchema(objectOf(field)),
  ]);
  if (fields.length > 0) converted.properties = Object.fromEntries(fields) as JsonObject;
  return converted;
}

/** Returns a copy of a value in which integers of any size are numbers. */
export function plainJson(value: JsonValue | undefined): JsonValue {
  if (typeof value === 'bigint') return Number(value);
  if (Array.isArray(value)) return value.map(plainJson);
  if (!isJsonObject(value)) return value ?? null;
  return Object.fromEntries(Object.entries(value).map(([name, field]) => [name, plainJson(field)]));
}

function typeOf(schema: JsonObject, isNullable: boolean): JsonObject {
  const types = schema['x-kubernetes-int-or-string'] === true ? ['integer', 'string'] : [schema.type].filter(isType);
  if (types.length === 0) return {};
  const [first = ''] = types;
  if (types.length === 1 && !isNullable) return { type: first };
  return { type: isNullable ? [...types, 'null'] : types };
}

function isType(type: JsonValue | undefined): type is string {
  return typeof type === 'string' && type !== '';
}

/** Returns the range of a number, whose ends Kubernetes excludes by a boolean. */
function rangeOf({ minimum, maximum, exclusiveMinimum, exclusiveMaximum }: JsonObject): JsonObject {
  return {
    ...(minimum !== undefined && { [exclusiveMinimum === true ? 'exclusiveMinimum' : 'minimum']: plainJson(minimum) }),
    ...(maximum !== undefined && { [exclusiveMaximum === true ? 'exclusiveMaximum' : 'maximum']: plainJson(maximum) }),
  };
}

function combinationsOf(schema: JsonObject): JsonObject {
  const combined: JsonObject = {};
  for (const keyword of ['allOf', 'anyOf', 'oneOf'] as const) {
    const parts = objectsIn(schema[keyword]);
    if (parts.length > 0) combined[keyword] = parts.map(toJsonSchema);
  }
  if (isJsonObject(schema.not)) combined.not = toJsonSchema(schema.not);
  return combined;
}
