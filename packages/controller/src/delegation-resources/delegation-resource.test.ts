import { expect, it } from 'vitest';
import { readDeclaration } from '../delegation/delegation-settings.ts';
import type { JsonObject, Resource } from '../resources/resource.ts';
import { delegationKind, judge } from './delegation-resource.ts';

const spec = { base: { apiVersion: 'myorg.org/v1', kind: 'Table' }, api: 'Table' };

function declared(name: string, age: number, more: JsonObject = {}): Resource {
  const creationTimestamp = new Date(1_000_000 - age * 1_000).toISOString();
  return {
    ...delegationKind,
    metadata: { name, uid: name, generation: 1, resourceVersion: '1', creationTimestamp },
    spec: { ...spec, ...more },
  };
}

/** Verdicts by name. */
function verdicts(resources: readonly Resource[], declaredInCode: Parameters<typeof judge>[1] = []) {
  const judged = [...judge(resources, declaredInCode)];
  return Object.fromEntries(
    judged.map(([key, { settings, refusal }]) => [key.split('/').at(-1), settings ? 'accepted' : refusal.reason]),
  );
}

it('accepts the older of two for the same resources, in any order', () => {
  const young = declared('a', 1);
  const old = declared('b', 2);
  expect(verdicts([young, old])).toEqual({ a: 'KindTaken', b: 'accepted' });
  expect(verdicts([old, young])).toEqual({ a: 'KindTaken', b: 'accepted' });
});

it('accepts two that differ in the version of the kind, their namespaces or their labels', () => {
  const other = declared('b', 2, { base: { ...spec.base, apiVersion: 'myorg.org/v2' } });
  expect(verdicts([declared('a', 1), other])).toEqual({ a: 'accepted', b: 'accepted' });
  const apart = [declared('a', 1, { namespaces: ['x'] }), declared('b', 2, { namespaces: ['y'] })];
  expect(verdicts(apart)).toEqual({ a: 'accepted', b: 'accepted' });
  const labelled = (name: string, colour: string) => declared(name, 1, { labels: { colour, shared: 'yes' } });
  expect(verdicts([labelled('a', 'red'), labelled('b', 'blue')])).toEqual({ a: 'accepted', b: 'accepted' });
  expect(verdicts([labelled('a', 'red'), declared('b', 2, { labels: { size: 'xl' } })])).toEqual({
    a: 'KindTaken',
    b: 'accepted',
  });
  const whole = declared('c', 3);
  expect(verdicts([...apart, whole])).toEqual({ a: 'KindTaken', b: 'KindTaken', c: 'accepted' });
});

it('accepts no malformed one, and ignores it when judging others', () => {
  expect(verdicts([declared('a', 2, { api: '@' }), declared('b', 1)])).toEqual({ a: 'Malformed', b: 'accepted' });
});

it('gives precedence to delegations that are declared in code', () => {
  const declaredInCode = [readDeclaration({ ...spec, name: 'a' })];
  const others = { base: { ...spec.base, kind: 'View' } };
  expect(verdicts([declared('a', 9, others), declared('b', 9)], declaredInCode)).toEqual({
    a: 'NameTaken',
    b: 'KindTaken',
  });
});
