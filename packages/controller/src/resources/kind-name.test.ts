import { describe, expect, it } from 'vitest';
import { isKindNamed } from './kind-name.ts';

const table = { apiVersion: 'myorg.org/v1alpha1', kind: 'DatabaseTable' };

describe('a kind', () => {
  it.each(['DatabaseTable', 'databasetable', 'DATABASETABLES', 'databasetables.myorg.org', 'DatabaseTable.MyOrg.org'])(
    'is denoted by %s',
    (name) => {
      expect(isKindNamed(table, name)).toBe(true);
    },
  );

  it.each(['Database', 'tables', 'databasetable.other.org', 'databasetable.', ''])('is not denoted by %j', (name) => {
    expect(isKindNamed(table, name)).toBe(false);
  });

  it.each([
    ['Policy', 'policies'],
    ['Ingress', 'ingresses'],
    ['Secret', 'secrets'],
  ])('%s has the plural %s', (kind, plural) => {
    expect(isKindNamed({ apiVersion: 'v1', kind }, plural)).toBe(true);
  });
});
