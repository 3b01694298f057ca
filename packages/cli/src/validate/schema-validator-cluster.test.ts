import type { JsonObject, JsonValue } from '@kplug/controller';
import { definition, startTimeout, TestCluster } from '@kplug/testing/control-plane';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { SchemaValidator } from './schema-validator.ts';

const text = { type: 'string', maxLength: 100 };
const pair = {
  type: 'object',
  properties: { b: { ...text, default: 'x' }, c: { type: 'integer' }, d: { ...text, nullable: true } },
};
const withRule = (schema: JsonObject, rule: string): JsonObject => ({
  ...schema,
  'x-kubernetes-validations': [{ rule }],
});
const listOf = (type: string, items: JsonObject, keys?: string[]): JsonObject => ({
  type: 'array',
  maxItems: 10,
  items,
  'x-kubernetes-list-type': type,
  ...(keys && { 'x-kubernetes-list-map-keys': keys }),
});

/** Schemas, each with values that the API server accepts or refuses. */
const cases: readonly [schema: JsonObject, ...values: JsonValue[]][] = [
  [text, 'x', 5, true, null, '', 'x'.repeat(101), ['x'], {}],
  [{ ...text, nullable: true }, null, 'x', 1],
  [{ ...text, enum: ['a', 'b'] }, 'a', 'c', null],
  [{ ...text, nullable: true, enum: ['a'] }, 'a', null],
  [{ ...text, nullable: true, enum: ['a', null] }, 'a', null],
  [{ ...text, pattern: '^(?i)a[[:digit:]]+$' }, 'A1', 'a', '1a'],
  [{ ...text, minLength: 2 }, 'ä', 'äö', '😀'],
  [{ type: 'integer' }, 1, 1.5, '1', 2 ** 53],
  [{ type: 'integer', format: 'int32' }, 2 ** 31 - 1, 2 ** 31, -(2 ** 31) - 1],
  [{ type: 'integer', minimum: 1, maximum: 5, exclusiveMaximum: true }, 0, 1, 4, 5],
  [{ type: 'number', multipleOf: 2 }, 4, 5],
  [{ type: 'number' }, 1, 1.5, '1.5'],
  [{ type: 'boolean' }, true, 'true', 1],
  [{ 'x-kubernetes-int-or-string': true }, 1, '50%', true, 1.5, {}],
  [{ type: 'string', format: 'date-time' }, '2026-01-31T10:00:00Z', '2026-01-31', '2026-02-31T10:00:00Z', 'x'],
  [{ type: 'string', format: 'date' }, '2026-01-31', '2026-02-31', '31.1.2026'],
  [
    { type: 'string', format: 'duration' },
    '1h',
    '1h30m',
    '5 seconds',
    '0',
    '1.5h',
    '-5s',
    '10 days',
    'soon',
    '10',
    '5 parsecs',
  ],
  [{ type: 'string', format: 'ipv4' }, '10.0.0.1', '10.0.0', '::1'],
  [{ type: 'string', format: 'ipv6' }, '::1', '10.0.0.1', 'x'],
  [{ type: 'string', format: 'cidr' }, '10.0.0.0/8', '10.0.0.0/33', 'fd00::/8', '10.0.0.0'],
  [{ type: 'string', format: 'uuid' }, '123e4567-e89b-12d3-a456-426614174000', 'x'],
  [{ type: 'string', format: 'email' }, 'a@example.org', 'x'],
  [{ type: 'string', format: 'hostname' }, 'example.org', 'a_b', '-a'],
  [{ type: 'string', format: 'uri' }, 'https://example.org/a', '/a', 'x'],
  [{ type: 'string', format: 'mac' }, '00:1b:63:84:45:e6', 'x'],
  [{ type: 'string', format: 'byte' }, 'aGVsbG8=', '%'],
  [{ type: 'string', format: 'unheard-of' }, 'x'],
  [pair, {}, { b: 'x', c: 1 }, { z: 1 }, { b: null }, { d: null }, { c: 'x' }, [], 'x'],
  [{ ...pair, required: ['b'] }, {}, { b: null }],
  [{ ...pair, required: ['c'] }, {}, { c: null }, { c: 1 }],
  [{ ...pair, minProperties: 2 }, {}, { c: 1 }],
  [{ type: 'object' }, {}, { z: 1 }],
  [
    { type: 'object', 'x-kubernetes-preserve-unknown-fields': true, properties: { b: pair } },
    { z: { y: 1 } },
    { b: { z: 1 } },
  ],
  [{ type: 'object', additionalProperties: { type: 'integer' } }, { z: 1 }, { z: 'x' }, { z: null }],
  [
    { type: 'object', 'x-kubernetes-embedded-resource': true, 'x-kubernetes-preserve-unknown-fields': true },
    { apiVersion: 'v1', kind: 'A', metadata: { name: 'a' }, spec: {} },
  ],
  [listOf('atomic', text), [], ['x', 'x'], ['x', 1], [null], 'x'],
  [listOf('set', text), ['x', 'y'], ['x', 'x']],
  [listOf('map', { ...pair, required: ['b'] }, ['b']), [{ b: 'x' }, { b: 'y' }], [{}, { b: 'x' }], [{ b: 'y', z: 1 }]],
  [{ ...pair, oneOf: [{ required: ['c'] }, { required: ['d'] }] }, { c: 1 }, { d: 'x' }, {}, { c: 1, d: 'x' }],
  [{ ...pair, anyOf: [{ required: ['c'] }, { required: ['d'] }] }, { c: 1, d: 'x' }, {}],
  [{ ...text, not: { enum: ['x'] } }, 'x', 'y'],
  [withRule(pair, 'has(self.c) || self.b == "x"'), {}, { b: 'y' }, { b: 'y', c: 1 }],
  [withRule(pair, 'self.c > 3'), { c: 4 }, { c: 3 }, {}],
  [withRule({ type: 'integer' }, 'self % 2 == 0'), 2, 3],
  [withRule(listOf('atomic', text), 'self.all(one, one.startsWith("x"))'), ['x'], ['y'], []],
  [withRule(text, 'self.matches("^[a-z]+$") && size(self) < 5'), 'abc', 'ABC', 'abcdef'],
];

const schema = {
  type: 'object',
  properties: Object.fromEntries(cases.map(([one], index) => [`f${index}`, one])),
};

const group = 'judged.example.org';
let cluster: TestCluster;
let namespace: string;

beforeAll(async () => {
  cluster = await TestCluster.connect();
  await cluster.define(definition({ group, kind: 'Judged', spec: schema }));
  namespace = await cluster.namespace();
}, startTimeout);

afterAll(() => cluster?.close());

const validator = new SchemaValidator({ type: 'object', properties: { spec: schema } }, true);

it.each(
  cases.flatMap(([one, ...values], index) =>
    values.map((value) => [JSON.stringify(value), JSON.stringify(one), index, value] as const),
  ),
)('judges %s by %s as the API server does', async (_, __, index, value) => {
  const judged = {
    apiVersion: `${group}/v1`,
    kind: 'Judged',
    metadata: { name: 'judged', namespace },
    spec: { [`f${index}`]: value },
  };
  const path = `/apis/${group}/v1/namespaces/${namespace}/judgeds?dryRun=All&fieldValidation=Strict`;
  const refusal = await cluster.request('POST', path, judged).then(
    () => undefined,
    (error: Error) => error.message,
  );
  const messages = validator.validate(judged).map(({ message }) => message);
  expect(messages.length > 0, `${messages.join('; ')} ≠ ${refusal}`).toBe(refusal !== undefined);
});
