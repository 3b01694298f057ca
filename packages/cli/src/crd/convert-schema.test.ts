import type { JsonObject } from '@kplug/controller';
import { expect, it } from 'vitest';
import { SchemaConversion } from './convert-schema.ts';

function convert(schema: JsonObject) {
  const conversion = new SchemaConversion(schema);
  return { schema: conversion.convert(), notes: conversion.notes.map(({ field, message }) => `${field}: ${message}`) };
}

const any = { 'x-kubernetes-preserve-unknown-fields': true };
const text = { type: 'string' };

it('keeps descriptions, defaults, examples and the keywords of Kubernetes', () => {
  const schema = {
    title: 'Rows',
    description: ' Number of rows. ',
    type: 'integer',
    default: 3,
    examples: [5, 7],
    'x-kubernetes-validations': [{ rule: 'self < 9' }],
    'x-other': true,
  };
  expect(convert(schema)).toEqual({
    schema: {
      description: 'Number of rows.',
      type: 'integer',
      default: 3,
      example: 5,
      'x-kubernetes-validations': [{ rule: 'self < 9' }],
    },
    notes: [],
  });
});

it('leaves out a default of null, which is no value', () => {
  const schema = { anyOf: [text, { type: 'null' }], default: null };
  expect(convert(schema).schema).toEqual({ type: 'string', nullable: true });
});

it.each<[what: string, schema: JsonObject, converted: JsonObject, note: string]>([
  [
    'a pattern that Go lacks',
    { ...text, pattern: '^(?!a)' },
    text,
    ": the pattern ^(?!a) has no equivalent in Go's regular expressions; it is left out",
  ],
  ['a format', { ...text, format: 'ulid' }, text, ': the API server does not know the format ulid; it is left out'],
  [
    'a nullable enumeration',
    { enum: ['a', null] },
    { type: 'string', enum: ['a'] },
    ': the API server refuses null for an enumerated field; leave out the field instead',
  ],
  [
    'alternatives of different types',
    { anyOf: [text, { type: 'array', items: text }] },
    any,
    ': its alternatives have different types; the field accepts any value',
  ],
  [
    'a recursive type',
    { $ref: '#/$defs/Node', $defs: { Node: { type: 'object', properties: { next: { $ref: '#/$defs/Node' } } } } },
    { type: 'object', properties: { next: any } },
    '.next: its schema refers to itself; the field accepts any value',
  ],
  [
    'a recursive type that is a part of others',
    {
      $ref: '#/$defs/Node',
      $defs: {
        Node: { type: 'object', properties: { next: { allOf: [{ $ref: '#/$defs/Node' }], description: 'Next.' } } },
      },
    },
    { type: 'object', properties: { next: any } },
    '.next: its schema refers to itself; the field accepts any value',
  ],
  [
    'a reference to nothing',
    { $ref: '#/$defs/Node' },
    any,
    ': the reference #/$defs/Node leads nowhere; the field accepts any value',
  ],
  [
    'unique objects',
    { type: 'array', items: { type: 'object', properties: { a: text } }, uniqueItems: true },
    { type: 'array', items: { type: 'object', properties: { a: text } } },
    ': the API server can compare only scalar items; that they are unique is left out',
  ],
  [
    'a tuple',
    { type: 'array', prefixItems: [text, { type: 'boolean' }] },
    { type: 'array', items: any },
    ': the positions of its items have schemas of their own; any item is accepted at each position',
  ],
  [
    'patterns of keys',
    { type: 'object', patternProperties: { '^a': text } },
    { type: 'object', additionalProperties: text },
    ': the patterns of its keys are left out; a CEL rule can check them',
  ],
  [
    'the schema of keys',
    { type: 'object', additionalProperties: text, propertyNames: { maxLength: 3 } },
    { type: 'object', additionalProperties: text },
    ': the schema of its keys is left out; a CEL rule can check them',
  ],
  [
    'the schema of further fields',
    { type: 'object', properties: { a: text }, additionalProperties: text },
    { type: 'object', properties: { a: text }, ...any },
    ': the schema of its further fields is left out; they accept any value',
  ],
  [
    'an unknown keyword',
    { ...text, dependentRequired: { a: ['b'] } },
    text,
    ': "dependentRequired" has no equivalent and is left out',
  ],
])('notes %s', (_, schema, converted, note) => {
  expect(convert(schema)).toEqual({ schema: converted, notes: [note] });
});
