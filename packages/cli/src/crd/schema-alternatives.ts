import { isDeepStrictEqual } from 'node:util';
import type { JsonObject, JsonValue } from '@kplug/controller';
import { isJsonObject } from '@kplug/controller/tools';
import { objectOf } from '../doctor/read-json.ts';
import { preserveUnknownFields } from '../validate/structural-schema.ts';

const intOrString = 'x-kubernetes-int-or-string';

/** Keywords that a structural schema allows within `anyOf` and `oneOf`, besides `properties` and `items`. */
const validations = [
  'enum',
  'exclusiveMaximum',
  'exclusiveMinimum',
  'format',
  'maxItems',
  'maxLength',
  'maxProperties',
  'maximum',
  'minItems',
  'minLength',
  'minProperties',
  'minimum',
  'multipleOf',
  'pattern',
  'required',
] as const;

/** Schema that accepts the values of several structural schemas. */
export interface Alternatives {
  schema: JsonObject;
  /** True if the schema accepts other values, too, as a CustomResourceDefinition can't tell the alternatives apart. */
  isLoose: boolean;
}

/**
 * Combines structural schemas. The result has the types and fields of all; what differs is in `anyOf`, whose parts validate and don't declare
 * anything, as Kubernetes demands.
 */
export function combineAlternatives(parts: readonly JsonObject[]): Alternatives {
  const [first = {}, ...others] = parts;
  if (others.every((other) => isDeepStrictEqual(other, first))) return { schema: first, isLoose: false };
  const types = new Set(parts.map(typeOf));
  if (parts.some(isAny)) return { schema: { [preserveUnknownFields]: true }, isLoose: false };
  if (isSubset(types, ['integer', 'string', intOrString])) return combineIntOrString(parts, types);
  if (isSubset(types, ['integer', 'number'])) return combineOfType('number', parts);
  const [type = ''] = types;
  if (types.size > 1 || type === 'array') return { schema: { [preserveUnknownFields]: true }, isLoose: true };
  return type === 'object' ? combineObjects(parts) : combineOfType(type, parts);
}

function combineIntOrString(parts: readonly JsonObject[], types: ReadonlySet<string>): Alternatives {
  const [type = ''] = types;
  if (types.size === 1 && type !== intOrString) return combineOfType(type, parts);
  const validated = parts.map((part) => validationsOf(part));
  const isPlain = validated.every((one) => Object.keys(one).length === 0);
  return { schema: { [intOrString]: true }, isLoose: !isPlain };
}

/** Combines schemas of scalars of one type. */
function combineOfType(type: string, parts: readonly JsonObject[]): Alternatives {
  if (parts.every((part) => Array.isArray(part.enum))) {
    const values = parts.flatMap((part) => (Array.isArray(part.enum) ? part.enum : []));
    return { schema: { ...commonOf(parts), type, enum: unique(values) }, isLoose: false };
  }
  return { schema: { ...commonOf(parts), type, ...anyOf(parts) }, isLoose: false };
}

function combineObjects(parts: readonly JsonObject[]): Alternatives {
  const names = new Set(parts.flatMap((part) => Object.keys(objectOf(part.properties))));
  const hasMaps = parts.some((part) => part.additionalProperties !== undefined);
  if (hasMaps) return { schema: { type: 'object', [preserveUnknownFields]: true }, isLoose: true };
  let isLoose = false;
  const properties: JsonObject = {};
  for (const name of names) {
    const declared = parts.flatMap((part) => {
      const field = objectOf(part.properties)[name];
      return isJsonObject(field) ? [field] : [];
    });
    const combined = combineAlternatives(declared.map(withoutEnum(declared)));
    isLoose ||= combined.isLoose;
    properties[name] = combined.schema;
  }
  const keeps = parts.some((part) => part[preserveUnknownFields] === true);
  const schema = {
    ...commonOf(parts),
    type: 'object',
    ...(keeps && { [preserveUnknownFields]: true }),
    properties,
    ...anyOf(parts),
  };
  return { schema, isLoose };
}

/** Declares a field that discriminates alternatives, such as `kind: a`, with the values of all of them. */
function withoutEnum(declared: readonly JsonObject[]): (field: JsonObject) => JsonObject {
  const areEnums = declared.every((field) => Array.isArray(field.enum));
  const values = unique(declared.flatMap((field) => (Array.isArray(field.enum) ? field.enum : [])));
  return (field) => (areEnums ? { ...field, enum: values } : field);
}

/** Returns the parts as `anyOf`; nothing if one of them validates nothing. */
function anyOf(parts: readonly JsonObject[]): JsonObject {
  const validated = unique(parts.map(validationsOf));
  const isNeeded = validated.length > 1 && validated.every((one) => Object.keys(objectOf(one)).length > 0);
  return isNeeded ? { anyOf: validated } : {};
}

/** Returns the keywords of a structural schema that validate. */
function validationsOf(schema: JsonObject): JsonObject {
  const kept: JsonObject = {};
  for (const keyword of validations) {
    if (schema[keyword] !== undefined && !isEmptyList(schema[keyword])) kept[keyword] = schema[keyword];
  }
  const fields = Object.entries(objectOf(schema.properties))
    .map(([name, field]) => [name, validationsOf(objectOf(field))] as const)
    .filter(([, field]) => Object.keys(field).length > 0);
  if (fields.length > 0) kept.properties = Object.fromEntries(fields);
  const items = isJsonObject(schema.items) ? validationsOf(schema.items) : {};
  if (Object.keys(items).length > 0) kept.items = items;
  return kept;
}

/** Returns the keywords that don't validate and that all schemas have with the same value. */
function commonOf(parts: readonly JsonObject[]): JsonObject {
  const [first = {}, ...others] = parts;
  const common = Object.entries(first).filter(
    ([keyword, value]) =>
      !(validations as readonly string[]).includes(keyword) &&
      keyword !== 'properties' &&
      keyword !== 'items' &&
      others.every((other) => isDeepStrictEqual(other[keyword], value)),
  );
  return { ...Object.fromEntries(common), ...(parts.some(({ nullable }) => nullable === true) && { nullable: true }) };
}

function typeOf(schema: JsonObject): string {
  return schema[intOrString] === true ? intOrString : String(schema.type ?? '');
}

function isAny(schema: JsonObject): boolean {
  return schema[preserveUnknownFields] === true && schema.type === undefined;
}

function isSubset(types: ReadonlySet<string>, of: readonly string[]): boolean {
  return [...types].every((type) => of.includes(type));
}

function isEmptyList(value: JsonValue | undefined): boolean {
  return Array.isArray(value) && value.length === 0;
}

function unique(values: readonly JsonValue[]): JsonValue[] {
  return values.filter((value, index) => values.findIndex((other) => isDeepStrictEqual(other, value)) === index);
}
