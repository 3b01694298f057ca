import { isDeepStrictEqual } from 'node:util';
import type { JsonObject, JsonValue } from '@kplug/controller';
import { isJsonObject } from '@kplug/controller/tools';
import { objectOf, objectsIn, textsOf } from '../doctor/read-json.ts';
import { formats } from '../validate/formats.ts';
import { preserveUnknownFields } from '../validate/structural-schema.ts';
import { resolveReference } from './json-schema-reference.ts';
import { mergeSchemas } from './merge-schemas.ts';
import { combineAlternatives } from './schema-alternatives.ts';
import type { SchemaNote } from './schema-note.ts';
import { toGoPattern } from './structural-pattern.ts';

/** Keyword of a field that becomes a column of `kubectl get`. */
export const columnKeyword = 'x-kplug-column';

/** Keywords that mean the same to Kubernetes. */
const sameKeywords = [
  'minLength',
  'maxLength',
  'minItems',
  'maxItems',
  'minProperties',
  'maxProperties',
  'multipleOf',
] as const;

/** Keywords that describe and don't validate, and those that other functions read. */
const silentKeywords: ReadonlySet<string> = new Set([
  ...sameKeywords,
  ...['$anchor', '$comment', '$defs', '$id', '$ref', '$schema', 'definitions', 'id'],
  ...['allOf', 'anyOf', 'const', 'enum', 'format', 'nullable', 'oneOf', 'pattern', 'type'],
  ...['additionalProperties', 'patternProperties', 'properties', 'propertyNames', 'required', 'unevaluatedProperties'],
  ...['items', 'prefixItems', 'uniqueItems'],
  ...['exclusiveMaximum', 'exclusiveMinimum', 'maximum', 'minimum'],
  ...['contentEncoding', 'contentMediaType', 'default', 'deprecated', 'description', 'discriminator'],
  ...['example', 'examples'],
  ...['readOnly', 'title', 'writeOnly'],
]);

/** Field of a schema: its path, and the references that lead to it. */
interface Place {
  field: string;
  references: readonly string[];
}

/**
 * Converts JSON Schema (2020-12) to the structural schema of a CustomResourceDefinition. Keeps `x-kubernetes-*`, such as
 * `x-kubernetes-validations` with CEL rules.
 */
export class SchemaConversion {
  /** What the structural schema can't express. */
  readonly notes: SchemaNote[] = [];
  readonly #root: JsonObject;

  /** @param root document whose definitions the references name. */
  constructor(root: JsonObject) {
    this.#root = root;
  }

  /** Converts the schema of the whole document. */
  convert(): JsonObject {
    return this.#convert(this.#root, { field: '', references: [] });
  }

  #convert(given: JsonValue | undefined, place: Place): JsonObject {
    if (given === false) this.#note(place, 'no value is valid; the field accepts any');
    if (!isJsonObject(given)) return { [preserveUnknownFields]: true };
    const { $ref, ...own } = given;
    if (typeof $ref === 'string') return this.#followReference($ref, own, place);
    const parts = objectsIn(given.allOf);
    if (parts.length > 0) {
      const { allOf: _, ...rest } = given;
      return this.#convertMerged([rest, ...parts], place);
    }
    const { alternatives, isNullable } = readAlternatives(given);
    const schema = alternatives
      ? this.#convertAlternatives(given, alternatives, place)
      : this.#convertOne(given, place);
    if (isNullable) this.#makeNullable(schema, place);
    const annotations = this.#annotations(given, place, schema);
    // The description is the first field, as in manifests that people write.
    return { ...annotations, ...schema, ...annotations };
  }

  #followReference(reference: string, own: JsonObject, place: Place): JsonObject {
    const target = resolveReference(reference, this.#root);
    if (!target) {
      this.#note(place, `the reference ${reference} leads nowhere; the field accepts any value`);
      return { [preserveUnknownFields]: true };
    }
    if (place.references.includes(reference)) return this.#endRecursion(place);
    return this.#convert({ ...target, ...own }, { ...place, references: [...place.references, reference] });
  }

  #endRecursion(place: Place): JsonObject {
    this.#note(place, 'its schema refers to itself; the field accepts any value');
    return { [preserveUnknownFields]: true };
  }

  /** Converts schemas that hold together. */
  #convertMerged(parts: readonly JsonObject[], place: Place): JsonObject {
    const named = parts.flatMap(({ $ref }) => (typeof $ref === 'string' ? [$ref] : []));
    if (named.some((reference) => place.references.includes(reference))) return this.#endRecursion(place);
    const merged = mergeSchemas(parts.map((part) => this.#withoutReference(part)));
    return this.#convert(merged, { ...place, references: [...place.references, ...named] });
  }

  #withoutReference(schema: JsonObject): JsonObject {
    const { $ref, ...own } = schema;
    const target = typeof $ref === 'string' ? resolveReference($ref, this.#root) : undefined;
    return target ? { ...target, ...own } : schema;
  }

  #convertAlternatives(given: JsonObject, alternatives: readonly JsonObject[], place: Place): JsonObject {
    const { anyOf: _, oneOf: __, ...shared } = given;
    const hasOwn = ['type', 'properties', 'required', 'enum'].some((keyword) => shared[keyword] !== undefined);
    const parts = alternatives.map((one) => {
      return hasOwn ? this.#convertMerged([shared, one], place) : this.#convert(one, place);
    });
    const { schema, isLoose } = combineAlternatives(parts.map(({ nullable: _, ...part }) => part));
    if (isLoose) this.#note(place, 'its alternatives have different types; the field accepts any value');
    const combined = { ...schema };
    if (parts.some(({ nullable }) => nullable === true)) this.#makeNullable(combined, place);
    return combined;
  }

  #makeNullable(schema: JsonObject, place: Place): void {
    if (schema.enum === undefined) schema.nullable = true;
    else this.#note(place, 'the API server refuses null for an enumerated field; leave out the field instead');
  }

  #convertOne(given: JsonObject, place: Place): JsonObject {
    const type = typeOf(given);
    const values = valuesOf(given);
    const schema: JsonObject = { ...(type === undefined ? { [preserveUnknownFields]: true } : { type }) };
    if (values) schema.enum = values;
    for (const keyword of sameKeywords) {
      if (given[keyword] !== undefined) schema[keyword] = given[keyword];
    }
    if (type === 'string') Object.assign(schema, this.#textKeywords(given, place));
    if (type === 'integer' || type === 'number') Object.assign(schema, rangeOf(given), formatOf(given));
    if (type === 'array') Object.assign(schema, this.#listKeywords(given, place));
    if (type === 'object') Object.assign(schema, this.#objectKeywords(given, place));
    return schema;
  }

  #textKeywords({ pattern, format, contentEncoding }: JsonObject, place: Place): JsonObject {
    const keywords: JsonObject = {};
    const converted = typeof pattern === 'string' ? toGoPattern(pattern) : undefined;
    if (converted !== undefined) keywords.pattern = converted;
    else if (pattern !== undefined) {
      this.#note(place, `the pattern ${String(pattern)} has no equivalent in Go's regular expressions; it is left out`);
    }
    if (typeof format === 'string' && Object.hasOwn(formats, format)) keywords.format = format;
    else if (format !== undefined && pattern === undefined) {
      this.#note(place, `the API server does not know the format ${String(format)}; it is left out`);
    }
    return contentEncoding === 'base64' ? { ...keywords, format: 'byte' } : keywords;
  }

  #listKeywords({ items, prefixItems, uniqueItems, ...rest }: JsonObject, place: Place): JsonObject {
    const inner = { ...place, field: `${place.field}[]` };
    const listed = Array.isArray(prefixItems) ? prefixItems : [];
    const open = items === false || items === undefined ? [] : [items];
    const parts = [...listed, ...open].map((one) => this.#convert(one, inner));
    const { schema, isLoose } = combineAlternatives(parts.length > 0 ? parts : [{ [preserveUnknownFields]: true }]);
    if (isLoose || parts.some((part) => !isDeepStrictEqual(part, parts[0]))) {
      this.#note(place, 'the positions of its items have schemas of their own; any item is accepted at each position');
    }
    const isStated = rest['x-kubernetes-list-type'] !== undefined;
    if (uniqueItems !== true || isStated) return { items: schema };
    if (schema.type !== 'object' && schema.type !== 'array') return { items: schema, 'x-kubernetes-list-type': 'set' };
    this.#note(place, 'the API server can compare only scalar items; that they are unique is left out');
    return { items: schema };
  }

  #objectKeywords(given: JsonObject, place: Place): JsonObject {
    const { additionalProperties, patternProperties, propertyNames } = given;
    const names = valuesOf(objectOf(propertyNames));
    const fields = { ...objectOf(given.properties) };
    // A map whose keys are enumerated has these fields.
    for (const name of textsOf(names)) fields[name] ??= additionalProperties ?? {};
    const properties = Object.entries(fields).map(
      ([name, field]) => [name, this.#convert(field, { ...place, field: `${place.field}.${name}` })] as const,
    );
    if (isJsonObject(propertyNames) && !names && Object.keys(propertyNames).some((keyword) => keyword !== 'type')) {
      this.#note(place, 'the schema of its keys is left out; a CEL rule can check them');
    }
    const required = unique(textsOf(given.required));
    return {
      ...(required.length > 0 && { required }),
      ...(properties.length > 0 && { properties: Object.fromEntries(properties) }),
      ...(names ? {} : this.#furtherFields({ additionalProperties, patternProperties }, properties.length > 0, place)),
    };
  }

  /** Converts the schema of fields that are not declared. */
  #furtherFields(
    { additionalProperties, patternProperties }: JsonObject,
    hasFields: boolean,
    place: Place,
  ): JsonObject {
    const patterns = Object.values(objectOf(patternProperties)).filter(isJsonObject);
    const isOpen = isJsonObject(additionalProperties) && Object.keys(additionalProperties).length > 0;
    const [first, ...others] = [...patterns, ...(isOpen ? [additionalProperties] : [])];
    if (first === undefined) {
      // Without fields, such as a record of anything, all are unknown.
      const keepsAll = additionalProperties === true || isJsonObject(additionalProperties) || !hasFields;
      return keepsAll ? { [preserveUnknownFields]: true } : {};
    }
    if (patterns.length > 0) this.#note(place, 'the patterns of its keys are left out; a CEL rule can check them');
    if (!hasFields && others.length === 0) {
      return { additionalProperties: this.#convert(first, { ...place, field: `${place.field}.*` }) };
    }
    this.#note(place, 'the schema of its further fields is left out; they accept any value');
    return { [preserveUnknownFields]: true };
  }

  /** Returns the keywords that don't depend on the type. Notes those that Kubernetes lacks. */
  #annotations(given: JsonObject, place: Place, schema: JsonObject): JsonObject {
    const kept: JsonObject = {};
    for (const [keyword, value] of Object.entries(given)) {
      if (keyword.startsWith('x-kubernetes-') || keyword === columnKeyword) kept[keyword] = value;
      else if (!silentKeywords.has(keyword) && !keyword.startsWith('x-')) {
        this.#note(place, `"${keyword}" has no equivalent and is left out`);
      }
    }
    const { description, examples, example = Array.isArray(examples) ? examples[0] : undefined } = given;
    if (typeof description === 'string') kept.description = description.trim();
    if (example !== undefined) kept.example = example;
    // A field without a value is the same as null.
    const isKept = given.default !== undefined && given.default !== null && schema[preserveUnknownFields] !== true;
    return isKept ? { ...kept, default: given.default } : kept;
  }

  #note({ field }: Place, message: string): void {
    if (!this.notes.some((note) => note.field === field && note.message === message))
      this.notes.push({ field, message });
  }
}

/** Returns the alternatives of a schema without null, and whether null is one of them. */
function readAlternatives(given: JsonObject): { alternatives?: JsonObject[]; isNullable: boolean } {
  const types = Array.isArray(given.type) ? textsOf(given.type) : [];
  const listed = Array.isArray(given.enum) ? given.enum : [];
  const isNullable = types.includes('null') || listed.includes(null) || given.nullable === true;
  const parts = [given.anyOf, given.oneOf].find(Array.isArray);
  if (parts) {
    const all = parts.map((part) => (isJsonObject(part) ? part : {}));
    const alternatives = all.filter(({ type }) => type !== 'null');
    return { alternatives, isNullable: isNullable || alternatives.length < all.length };
  }
  const others = types.filter((type) => type !== 'null');
  if (others.length < 2) return { isNullable };
  return { alternatives: others.map((type) => ({ ...given, type })), isNullable };
}

/** Returns the type of a schema without alternatives, derived from its values if it states none. */
function typeOf(given: JsonObject): string | undefined {
  const stated = textsOf(Array.isArray(given.type) ? given.type : [given.type ?? null]).find((type) => type !== 'null');
  if (stated !== undefined) return stated;
  if (given.properties !== undefined || given.additionalProperties !== undefined) return 'object';
  if (given.items !== undefined || given.prefixItems !== undefined) return 'array';
  const types = new Set(valuesOf(given)?.map(typeOfValue));
  const [type] = types;
  return types.size === 1 ? type : undefined;
}

function typeOfValue(value: JsonValue): string | undefined {
  if (typeof value === 'bigint' || (typeof value === 'number' && Number.isInteger(value))) return 'integer';
  return ['string', 'number', 'boolean'].find((type) => type === typeof value);
}

/** Returns the values that a schema enumerates, without null. */
function valuesOf({ enum: listed, const: constant }: JsonObject): JsonValue[] | undefined {
  if (constant !== undefined && constant !== null) return [constant];
  return Array.isArray(listed) ? listed.filter((value) => value !== null) : undefined;
}

/** Returns the range of a number. Bounds that only say that JavaScript represents an integer exactly are left out. */
function rangeOf({ minimum, maximum, exclusiveMinimum, exclusiveMaximum }: JsonObject): JsonObject {
  const isBound = (bound: JsonValue | undefined) =>
    typeof bound === 'number' && Math.abs(bound) < Number.MAX_SAFE_INTEGER;
  return {
    ...(isBound(minimum) && { minimum }),
    ...(isBound(maximum) && { maximum }),
    ...(isBound(exclusiveMinimum) && { minimum: exclusiveMinimum, exclusiveMinimum: true }),
    ...(isBound(exclusiveMaximum) && { maximum: exclusiveMaximum, exclusiveMaximum: true }),
  };
}

function formatOf({ format }: JsonObject): JsonObject {
  return format === 'int32' || format === 'int64' ? { format } : {};
}

function unique(texts: readonly string[]): string[] {
  return [...new Set(texts)];
}
