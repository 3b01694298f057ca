import type { JsonObject, JsonValue } from '@kplug/controller';
import { definition, startTimeout, TestCluster } from '@kplug/testing/control-plane';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { SchemaConversion } from './convert-schema.ts';

const text = { type: 'string' };
const integer = { type: 'integer' };
const object = (properties: JsonObject, ...required: string[]): JsonObject => ({
  type: 'object',
  properties,
  required,
});

/** JSON Schemas that lose nothing in a CustomResourceDefinition, each with values that are valid or not. */
const cases: readonly [schema: JsonObject, ...values: JsonValue[]][] = [
  [{ const: 'a' }, 'a', 'b', 1],
  [{ enum: [1, 2] }, 1, 3, '1'],
  [{ type: ['string', 'null'], minLength: 2 }, null, 'ab', 'a'],
  [{ anyOf: [text, integer] }, 'x', 1, 1.5, true],
  [{ oneOf: [integer, { type: 'number' }] }, 'x'],
  [
    {
      anyOf: [
        { ...text, pattern: '^a' },
        { ...text, maxLength: 1 },
      ],
    },
    'abc',
    'b',
    'bc',
  ],
  [{ anyOf: [{ const: 'a' }, { enum: ['b', 'c'] }] }, 'a', 'c', 'd'],
  [{ ...integer, exclusiveMinimum: 3, exclusiveMaximum: 5 }, 3, 4, 5],
  [{ ...integer, minimum: Number.MIN_SAFE_INTEGER, maximum: Number.MAX_SAFE_INTEGER }, 2 ** 52, -1, 'x'],
  [{ type: 'number', multipleOf: 2 }, 4, 5],
  [{ ...text, pattern: '^\\u00e4+\\d{2}$' }, 'ä12', 'a12'],
  [{ ...text, contentEncoding: 'base64' }, 'aGVsbG8=', 1],
  [{ type: 'array', items: text, uniqueItems: true, maxItems: 9 }, ['a', 'b'], ['a', 'a'], [1]],
  [{ type: 'array', prefixItems: [text, text], items: false, minItems: 2, maxItems: 2 }, ['a', 'b'], ['a'], ['a', 1]],
  [{ type: 'array', items: { anyOf: [text, { type: 'null' }] } }, ['a', null], [1]],
  [{ type: 'object', additionalProperties: integer, maxProperties: 1 }, { a: 1 }, { a: 'x' }, { a: 1, b: 2 }],
  [{ type: 'object', propertyNames: { enum: ['a', 'b'] }, additionalProperties: integer }, { a: 1 }, { b: 'x' }],
  [{ type: 'object' }, { a: { b: 1 } }, 'x'],
  [{}, 'x', 1, { a: [1] }],
  [{ ...object({ a: text, b: integer }, 'a'), minProperties: 2 }, { a: 'x', b: 1 }, { b: 1 }, { a: 'x' }],
  [object({ a: { anyOf: [text, { type: 'null' }] } }, 'a'), { a: null }, { a: 'x' }, {}, { a: 1 }],
  [{ allOf: [object({ a: text }, 'a'), object({ b: integer }, 'b')] }, { a: 'x', b: 1 }, { a: 'x' }, { b: 1 }],
  [{ allOf: [{ $ref: '#/$defs/Name' }], description: 'Name' }, 'ab', 'a'],
  [{ $ref: '#/$defs/Name', maxLength: 3 }, 'ab', 'a', 'abcd'],
  [
    { oneOf: [object({ t: { const: 'a' }, x: text }, 't', 'x'), object({ t: { const: 'b' }, y: integer }, 't', 'y')] },
    { t: 'a', x: 'x' },
    { t: 'b', y: 1 },
    { t: 'a', y: 1 },
    { t: 'b' },
    { t: 'c', x: 'x' },
    { x: 'x' },
  ],
  [
    { anyOf: [object({ a: text }, 'a'), object({ b: { ...integer, minimum: 3 } }, 'b')] },
    { a: 'x' },
    { b: 3 },
    { b: 2 },
    {},
  ],
  [{ ...object({ a: text, b: text }), anyOf: [{ required: ['a'] }, { required: ['b'] }] }, { a: 'x' }, { b: 'x' }, {}],
];

const definitions = { Name: { ...text, minLength: 2 } };

const conversions = cases.map(([schema]) => {
  const conversion = new SchemaConversion({ $defs: definitions, ...schema });
  return { schema: conversion.convert(), notes: conversion.notes };
});

const group = 'converted.example.org';
let cluster: TestCluster;
let namespace: string;

beforeAll(async () => {
  cluster = await TestCluster.connect();
  const properties = Object.fromEntries(conversions.map(({ schema }, index) => [`f${index}`, schema]));
  await cluster.define(definition({ group, kind: 'Converted', spec: { type: 'object', properties } }));
  namespace = await cluster.namespace();
}, startTimeout);

afterAll(() => cluster?.close());

it.each(
  cases.flatMap(([schema, ...values], index) =>
    values.map((value) => [JSON.stringify(value), JSON.stringify(schema), index, schema, value] as const),
  ),
)('has the API server judge %s as JSON Schema does by %s', async (_, __, index, schema, value) => {
  const resource = {
    apiVersion: `${group}/v1`,
    kind: 'Converted',
    metadata: { name: 'converted', namespace },
    spec: { [`f${index}`]: value },
  };
  const path = `/apis/${group}/v1/namespaces/${namespace}/converteds?dryRun=All`;
  const refusal = await cluster.request('POST', path, resource).then(
    () => undefined,
    (error: Error) => error.message,
  );
  const isValid = new Ajv2020({ strict: false }).validate({ $defs: definitions, ...schema }, value);
  expect(refusal === undefined, refusal).toBe(isValid);
  expect(conversions[index]?.notes).toEqual([]);
});
