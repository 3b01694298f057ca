import { expect, it } from 'vitest';
import type { JsonValue, Resource } from '../../resources/resource.ts';
import { readInventory } from './inventory.ts';

const base = (dependents: JsonValue): Resource => ({
  apiVersion: 'myorg.org/v1',
  kind: 'Table',
  metadata: { name: 'users', namespace: 'team', uid: 'u', generation: 1, resourceVersion: '1', creationTimestamp: '' },
  status: { dependents },
});
const entry = { apiVersion: 'v1', kind: 'Secret', name: 'a', plugin: 'Keeper' };
const keysOf = (dependents: JsonValue) => readInventory(base(dependents)).map(({ key }) => key);

it('reads the dependents of a base, in its namespace', () => {
  expect(keysOf([entry, { ...entry, apiVersion: 'apps/v1', kind: 'Deployment' }])).toEqual([
    '/v1/Secret/team/a',
    'apps/v1/Deployment/team/a',
  ]);
});

it.each<[string, JsonValue]>([
  ['that is no list', 'x'],
  ['of other types', [1, null, { ...entry, name: 1 }]],
  ['whose version leads to another namespace', [{ ...entry, apiVersion: '/v1/Secret/system/theirs' }]],
  ['whose kind leads to another namespace', [{ ...entry, kind: 'Secret/system' }]],
  ['whose name has a slash', [{ ...entry, name: 'a/b' }]],
])('leaves out a forged entry %s', (_, dependents) => {
  expect(keysOf(dependents)).toEqual([]);
});
