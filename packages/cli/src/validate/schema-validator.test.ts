import type { JsonObject, JsonValue } from '@kplug/controller';
import { describe, expect, it } from 'vitest';
import { SchemaValidator } from './schema-validator.ts';

/** Validates a spec with a schema. Returns the messages. */
function validate(schema: JsonObject, value: JsonValue): string[] {
  const root: JsonObject = { type: 'object', properties: { spec: { type: 'object', properties: { a: schema } } } };
  const resource = { apiVersion: 'example.org/v1', kind: 'A', metadata: { name: 'a' }, spec: { a: value } };
  return new SchemaValidator(root, true).validate(resource).map(({ severity, message }) => {
    return severity === 'error' ? message : `${severity}: ${message}`;
  });
}

const fields = { type: 'object', properties: { b: { type: 'string', default: 'x' }, c: { type: 'integer' } } };

describe('a schema', () => {
  it.each<[string, JsonObject, JsonValue]>([
    ['an integer of 64 bits', { type: 'integer', format: 'int64' }, 9_007_199_254_740_993n],
    ['an integer or a string', { 'x-kubernetes-int-or-string': true }, '50%'],
    [
      'an integer or a string, with alternatives',
      { 'x-kubernetes-int-or-string': true, anyOf: [{ type: 'integer' }, { type: 'string' }] },
      5,
    ],
    ['null for a nullable field', { type: 'string', nullable: true, minLength: 2 }, null],
    ['null as a missing field', { type: 'string' }, null],
    ['unknown fields, where they are kept', { type: 'object', 'x-kubernetes-preserve-unknown-fields': true }, { z: 1 }],
    ['fields of a map', { type: 'object', additionalProperties: { type: 'integer' } }, { z: 1 }],
    [
      'an embedded resource',
      { type: 'object', 'x-kubernetes-embedded-resource': true, properties: {} },
      { apiVersion: 'v1', kind: 'B', metadata: { name: 'b' } },
    ],
    ['an exclusive minimum', { type: 'number', minimum: 1, exclusiveMinimum: true }, 1.5],
    ['a default that is required', { ...fields, required: ['b'] }, {}],
    ['a default that a rule reads', { ...fields, 'x-kubernetes-validations': [{ rule: "self.b == 'x'" }] }, {}],
    ['a date and time', { type: 'string', format: 'date-time' }, '2026-01-31T10:00:00.5Z'],
    ['a duration', { type: 'string', format: 'duration' }, '1h30m'],
    ['a path as a URI', { type: 'string', format: 'uri' }, '/a'],
    ['a format that Kubernetes does not know', { type: 'string', format: 'unheard-of' }, 'x'],
    [
      'a change that a rule refuses, as there is no former value',
      { ...fields, 'x-kubernetes-validations': [{ rule: 'self == oldSelf' }] },
      {},
    ],
    [
      'a list that is a map',
      { type: 'array', 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['b'], items: fields },
      [{ b: 'x' }, { b: 'y' }],
    ],
  ])('accepts %s', (_, schema, value) => {
    expect(validate(schema, value)).toEqual([]);
  });

  it.each<[string, JsonObject, JsonValue, string]>([
    ['a fraction as an integer', { type: 'integer' }, 1.5, 'spec.a is 1.5, but must be an integer'],
    [
      'a number that does not fit',
      { type: 'integer', format: 'int32' },
      2 ** 31,
      'spec.a is 2147483648, which is not a valid int32',
    ],
    ['a boolean as a string', { type: 'string' }, true, 'spec.a is true, but must be a string; put it in quotes'],
    [
      'a mapping as a list',
      { type: 'array', items: { type: 'string' } },
      { b: 'x' },
      'spec.a is a mapping, but must be a list',
    ],
    ['null in a list', { type: 'array', items: { type: 'string' } }, [null], 'spec.a[0] is null, but must be a string'],
    ['an unknown field', fields, { cc: 1 }, 'spec.a.cc is not a field of the schema; did you mean c?'],
    [
      'an unknown field of a mapping without fields',
      { type: 'object' },
      { z: 1 },
      'spec.a.z is not a field of the schema',
    ],
    [
      'an exclusive minimum',
      { type: 'number', minimum: 1, exclusiveMinimum: true },
      1,
      'spec.a is 1, but must be greater than 1',
    ],
    [
      'too many items',
      { type: 'array', maxItems: 1, items: { type: 'integer' } },
      [1, 2],
      'spec.a has 2 items; at most 1 are allowed',
    ],
    [
      'an impossible date',
      { type: 'string', format: 'date' },
      '2026-02-30',
      'spec.a is "2026-02-30", which is not a valid date',
    ],
    [
      'an item of a set twice',
      { type: 'array', 'x-kubernetes-list-type': 'set', items: { type: 'string' } },
      ['b', 'c', 'b'],
      'spec.a[2] is the same as spec.a[0]; remove one',
    ],
    [
      'an item of a map twice, by a default',
      { type: 'array', 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['b'], items: fields },
      [{}, { b: 'x' }],
      'spec.a[1] is the same as spec.a[0], by b; remove one',
    ],
    [
      'none of the alternatives',
      { ...fields, oneOf: [{ required: ['c'] }, { required: ['d'] }] },
      {},
      'spec.a matches no alternative of "oneOf"; one of c, d is required',
    ],
    [
      'several alternatives',
      { ...fields, oneOf: [{ required: ['b'] }, { required: ['c'] }] },
      { c: 1 },
      'spec.a matches several alternatives of "oneOf", but must match exactly one',
    ],
    [
      'what it must not be',
      { type: 'string', not: { enum: ['x'] } },
      'x',
      'spec.a is "x", which the schema forbids by "not"',
    ],
    [
      'a rule',
      { ...fields, 'x-kubernetes-validations': [{ rule: 'self.c > 3', message: 'c is too small' }] },
      { c: 3 },
      'spec.a: c is too small',
    ],
    [
      'a rule on a missing field',
      { ...fields, 'x-kubernetes-validations': [{ rule: 'self.c > 3', message: 'c is too small' }] },
      {},
      'spec.a: c is too small (field not found: c)',
    ],
    [
      'a rule without a message',
      { type: 'integer', 'x-kubernetes-validations': [{ rule: 'self % 2 == 0' }] },
      3,
      'spec.a: does not meet the rule: self % 2 == 0',
    ],
  ])('refuses %s', (_, schema, value, message) => {
    expect(validate(schema, value)).toEqual([message]);
  });

  it('warns once of a rule that can not be evaluated', () => {
    const rule = "quantity(self.b).isGreaterThan(quantity('1Gi'))";
    const schema = { type: 'array', items: { ...fields, 'x-kubernetes-validations': [{ rule }] } };
    expect(validate(schema, [{ b: '2Gi' }, { b: '2Gi' }])).toEqual([
      expect.stringMatching(/^warning: spec.a\[0\]: a rule of the schema can't be checked here: .*quantity/),
    ]);
  });

  it('reports a bounded number of faults', () => {
    const schema = { type: 'array', items: { type: 'string' } };
    expect(
      validate(
        schema,
        Array.from({ length: 10_000 }, () => 1),
      ).length,
    ).toBeLessThan(200);
  });
});
