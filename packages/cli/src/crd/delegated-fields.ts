import type { JsonObject } from '@kplug/controller';
import type { FieldPaths } from '@kplug/controller/tools';
import { isJsonObject } from '@kplug/controller/tools';
import { objectOf } from '../doctor/read-json.ts';
import { preserveUnknownFields } from '../validate/structural-schema.ts';
import { columnKeyword } from './convert-schema.ts';

const text = (description: string, maxLength: number): JsonObject => ({ description, type: 'string', maxLength });

const preference = text('Preferred plugin, as Name or Name@range. Another may be the fallback.', 253);

const extensions: JsonObject = {
  description: 'Resources with options of an implementation, in the same namespace.',
  type: 'array',
  maxItems: 32,
  'x-kubernetes-list-type': 'atomic',
  items: {
    type: 'object',
    required: ['kind', 'name'],
    properties: {
      apiVersion: { type: 'string', maxLength: 317 },
      kind: { type: 'string', maxLength: 63 },
      name: { type: 'string', maxLength: 253 },
    },
  },
};

const conditions: JsonObject = {
  description: 'Conditions of the resource, such as Ready.',
  type: 'array',
  'x-kubernetes-list-type': 'map',
  'x-kubernetes-list-map-keys': ['type'],
  items: {
    type: 'object',
    [preserveUnknownFields]: true,
    required: ['type', 'status'],
    properties: { type: { type: 'string' }, status: { type: 'string' } },
  },
};

/** Adds the fields that a delegation reads from a base, if the schema lacks them. Returns a copy. */
export function addDelegatedFields(schema: JsonObject, paths: FieldPaths, hasExtensions: boolean): JsonObject {
  const { preference: preferred, extensions: references, capability } = paths;
  const fields: [readonly string[], JsonObject][] = [[preferred, preference]];
  if (hasExtensions) fields.push([references, extensions]);
  if (capability) {
    fields.push([capability.category, text('Category of the capability, such as database.', 63)]);
    fields.push([capability.type, text('Type of the capability, such as postgresql.', 63)]);
    fields.push([capability.version, text('Version of the capability, or a range of versions.', 253)]);
  }
  return fields.reduce((extended, [path, field]) => addField(extended, path, field), schema);
}

/** Adds what the operator writes to the status: conditions, and fields of its own. Returns a copy. */
export function addStatusFields(schema: JsonObject): JsonObject {
  const { status, ...others } = objectOf(schema.properties);
  const own = declareOnly(objectOf(status));
  const completed: JsonObject = {
    description: own.description ?? 'Status that the operator and the plugin write.',
    ...own,
    type: 'object',
    [preserveUnknownFields]: true,
    properties: { conditions, ...objectOf(own.properties) },
  };
  return { ...schema, properties: { ...others, status: completed } };
}

/** Keywords that declare a field and don't validate its value. */
const declarations: ReadonlySet<string> = new Set(['description', 'example', 'format', 'nullable', 'type']);

/** Reports whether a keyword declares a field, or is one that its author wrote for Kubernetes. */
function isDeclaration(keyword: string): boolean {
  return declarations.has(keyword) || keyword === columnKeyword || keyword.startsWith('x-kubernetes-');
}

/**
 * Returns a schema without its validations, except rules that its author wrote for Kubernetes. A plugin validates the status that it reads; a
 * status of another plugin must not be refused.
 */
function declareOnly(schema: JsonObject): JsonObject {
  const kept = Object.entries(schema).filter(([keyword]) => isDeclaration(keyword));
  const declared: JsonObject = Object.fromEntries(kept);
  const fields = Object.entries(objectOf(schema.properties)).map(
    ([name, field]) => [name, declareOnly(objectOf(field))] as const,
  );
  if (fields.length > 0) declared.properties = Object.fromEntries(fields);
  for (const keyword of ['items', 'additionalProperties']) {
    if (isJsonObject(schema[keyword])) declared[keyword] = declareOnly(schema[keyword]);
  }
  return declared;
}

function addField(schema: JsonObject, [name, ...rest]: readonly string[], field: JsonObject): JsonObject {
  if (name === undefined) return schema;
  const properties = objectOf(schema.properties);
  const known = properties[name];
  const isOpen = schema[preserveUnknownFields] === true && schema.type === undefined;
  if (isOpen || (known !== undefined && rest.length === 0)) return schema;
  const inner =
    rest.length === 0 ? field : addField(known === undefined ? { type: 'object' } : objectOf(known), rest, field);
  return { ...schema, properties: { ...properties, [name]: inner } };
}
