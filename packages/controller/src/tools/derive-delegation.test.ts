import { describe, expect, it } from 'vitest';
import type { Manifest } from '../resources/check-manifest.ts';
import { deriveDelegation, type ImplementingPlugin } from './derive-delegation.ts';

const apiVersion = 'example.org/v1';

function manifest(kind: string, extensions?: string[]): Manifest {
  const references = extensions?.map((one) => ({ apiVersion, kind: one, name: 'x' }));
  return { apiVersion, kind, metadata: { name: 'x' }, spec: references ? { extensions: references } : {} };
}

function plugin(apis: Record<string, string[]>): ImplementingPlugin {
  const implemented = Object.entries(apis).map(([name, kinds]) => {
    return { name, extensionKinds: kinds.map((kind) => ({ group: '', kind })) };
  });
  return { plugin: 'Some', apis: implemented };
}

describe('the base of a derived delegation', () => {
  it('is the only kind of the manifests', () => {
    expect(deriveDelegation([manifest('Table')], plugin({ Storage: [] }), undefined)).toEqual({
      name: 'table',
      base: { apiVersion, kind: 'Table' },
      api: 'Storage',
    });
  });

  it.each([
    ['no other references', [manifest('Table', ['Options']), manifest('Options')], plugin({ Storage: [] })],
    ['is no extension of the plugin', [manifest('Options'), manifest('Table')], plugin({ Storage: ['Options'] })],
    ['has the name of the API', [manifest('Other'), manifest('Table')], plugin({ table: [] })],
    ['references extensions', [manifest('Other'), manifest('Table', [])], plugin({ Storage: [] })],
  ])('is the kind that %s', (_, manifests, asked) => {
    expect(deriveDelegation(manifests, asked, undefined).base.kind).toBe('Table');
  });

  it('is the kind that the user names', () => {
    const manifests = [manifest('Table'), manifest('View')];
    expect(deriveDelegation(manifests, plugin({ Storage: [] }), 'views').base.kind).toBe('View');
    expect(() => deriveDelegation(manifests, plugin({ Storage: [] }), 'Index')).toThrow(
      'no manifest has the kind Index; found example.org/v1/Table, example.org/v1/View',
    );
  });

  it('has to be named when it is ambiguous', () => {
    expect(() => deriveDelegation([manifest('Table'), manifest('View')], plugin({ Storage: [] }), undefined)).toThrow(
      'any of example.org/v1/Table, example.org/v1/View; name it with --kind',
    );
  });
});

describe('the field with the extensions of a derived delegation', () => {
  const reference = { apiVersion, kind: 'Options', name: 'x' };
  const base = (spec: object): Manifest => ({ apiVersion, kind: 'Table', metadata: { name: 'x' }, spec: { ...spec } });
  const pathOf = (...bases: Manifest[]) => {
    return deriveDelegation([...bases, manifest('Options')], plugin({ Table: [] }), undefined).extensions?.path;
  };

  it('is that of the first Kplug if only that has references', () => {
    expect(pathOf(base({ references: [reference] }))).toBe('.spec.references');
    expect(pathOf(base({ references: [reference] }), base({}))).toBe('.spec.references');
  });

  it('is the default otherwise', () => {
    expect(pathOf(base({ extensions: [reference], references: [reference] }))).toBeUndefined();
    expect(pathOf(base({ references: [reference] }), base({ extensions: [] }))).toBeUndefined();
    expect(pathOf(base({ references: [{ table: 'users' }] }))).toBeUndefined();
    expect(pathOf(base({ references: [] }))).toBeUndefined();
  });
});

describe('the API of a derived delegation', () => {
  it('is the one named after the base when there are several', () => {
    expect(deriveDelegation([manifest('Table')], plugin({ View: [], Table: [] }), undefined).api).toBe('Table');
  });

  it('has to be named when it is ambiguous', () => {
    expect(() => deriveDelegation([manifest('Table')], plugin({ A: [], B: [] }), undefined)).toThrow(
      'several plugin APIs (A, B) and none is named Table; declare one with --config',
    );
  });
});
