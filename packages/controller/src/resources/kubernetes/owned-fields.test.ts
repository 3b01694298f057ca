import { describe, expect, it } from 'vitest';
import type { JsonObject, JsonValue } from '../resource.ts';
import { isApplied, lostOwnership, readOwnedFields } from './owned-fields.ts';

/** Managed fields of a real API server. */
function managed(fields: JsonObject, more: JsonObject = {}): JsonObject {
  const entry = { manager: 'kplug/a', operation: 'Apply', subresource: 'status', apiVersion: 'example.org/v1' };
  return { ...entry, fieldsType: 'FieldsV1', fieldsV1: { 'f:status': fields }, ...more };
}

function isSaid(said: JsonObject, status: JsonObject | undefined, fields?: JsonObject): boolean {
  const owned = readOwnedFields(fields ? [managed(fields)] : []);
  return isApplied(said, status, owned.get('kplug/a'));
}

describe('readOwnedFields', () => {
  it('keeps the status fields of our managers, and nothing else', () => {
    const fields: JsonValue[] = [
      managed({ 'f:rows': {} }),
      managed({ 'f:size': {} }, { manager: 'kubectl' }),
      managed({ 'f:size': {} }, { operation: 'Update' }),
      managed({ 'f:size': {} }, { manager: 'kplug/b', subresource: 'scale' }),
      { manager: 'kplug/c', operation: 'Apply', fieldsV1: { 'f:spec': {} } },
    ];
    expect([...readOwnedFields(fields)]).toEqual([['kplug/a', { 'f:rows': {} }]]);
    expect([...readOwnedFields(undefined)]).toEqual([]);
  });

  it('shares equal sets of fields', () => {
    expect(readOwnedFields([managed({ 'f:rows': {} })])).toBe(
      readOwnedFields([managed({ 'f:rows': {} }, { time: 'x' })]),
    );
  });
});

describe('isApplied', () => {
  const conditions = [
    { type: 'Ready', status: 'True' },
    { type: 'Synced', status: 'True' },
  ];
  const ready = { 'k:{"type":"Ready"}': { '.': {}, 'f:type': {}, 'f:status': {} } };

  it.each<[string, boolean, JsonObject, JsonObject | undefined, JsonObject?]>([
    ['nothing, without a status', true, {}, undefined],
    ['the same value', true, { rows: 1 }, { rows: 1 }, { 'f:rows': {} }],
    ['another value', false, { rows: 2 }, { rows: 1 }, { 'f:rows': {} }],
    ['a value that another manager owns', false, { rows: 1 }, { rows: 1 }],
    ['less than before', false, {}, { rows: 1 }, { 'f:rows': {} }],
    ['more than before', false, { rows: 1, size: 2 }, { rows: 1, size: 2 }, { 'f:rows': {} }],
    ['a field that is undefined', true, { rows: 1, size: undefined }, { rows: 1 }, { 'f:rows': {} }],
    ['its part of an object', true, { a: { b: 1 } }, { a: { b: 1, c: 2 } }, { 'f:a': { 'f:b': {} } }],
    ['the whole of an object', false, { a: { b: 1 } }, { a: { b: 1, c: 2 } }, { 'f:a': {} }],
    ['its item of a list', true, { conditions: conditions.slice(0, 1) }, { conditions }, { 'f:conditions': ready }],
    ['two items of a list', false, { conditions }, { conditions }, { 'f:conditions': ready }],
    ['members of a set', true, { tags: ['b'] }, { tags: ['a', 'b'] }, { 'f:tags': { 'v:"b"': {} } }],
    ['a list in another order', false, { words: ['b', 'a'] }, { words: ['a', 'b'] }, { 'f:words': {} }],
    ['an empty list that nobody owns', true, { tags: [] }, { tags: [] }, {}],
    ['an empty list that was never applied', false, { tags: [] }, {}, {}],
    ['an object where a list was', false, { tags: { b: 1 } }, { tags: ['b'] }, { 'f:tags': { 'v:"b"': {} } }],
  ])('of %s: %s', (_, expected, said, status, fields) => {
    expect(isSaid(said, status, fields)).toBe(expected);
  });
});

describe('lostOwnership', () => {
  const before = readOwnedFields([managed({ 'f:a': { 'f:b': {}, 'f:c': {} } })]);

  it.each<[string, boolean, JsonValue[]]>([
    ['the same fields', false, [managed({ 'f:a': { 'f:b': {}, 'f:c': {} } })]],
    ['more fields', false, [managed({ 'f:a': { 'f:b': {}, 'f:c': {} }, 'f:d': {} })]],
    ['a field less', true, [managed({ 'f:a': { 'f:b': {} } })]],
    ['no field left', true, []],
  ])('by %s: %s', (_, expected, now) => {
    expect(lostOwnership(before, readOwnedFields(now))).toBe(expected);
  });
});
