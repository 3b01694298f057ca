import type { Manifest } from '@kplug/controller';
import { describe, expect, it } from 'vitest';
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
  it('is the only kind that there is', () => {
    expect(deriveDelegation([manifest('Table')], plugin({ Storage: [] }), undefined)).toEqual({
      name: 'table',
      base: { apiVersion, kind: 'Table' },
      api: 'Storage',
    });
  });

  it.each([
    ['no other points to', [manifest('Table', ['Options']), manifest('Options')], plugin({ Storage: [] })],
    ['is no extension to the plugin', [manifest('Options'), manifest('Table')], plugin({ Storage: ['Options'] })],
    ['is named as the API', [manifest('Other'), manifest('Table')], plugin({ table: [] })],
    ['points to extensions', [manifest('Other'), manifest('Table', [])], plugin({ Storage: [] })],
  ])('is the kind that %s', (_, manifests, asked) => {
    expect(deriveDelegation(manifests, asked, undefined).base.kind).toBe('Table');
  });

  it('is the one that the user names', () => {
    const manifests = [manifest('Table'), manifest('View')];
    expect(deriveDelegation(manifests, plugin({ Storage: [] }), 'views').base.kind).toBe('View');
    expect(() => deriveDelegation(manifests, plugin({ Storage: [] }), 'Index')).toThrow(
      'no manifest is of the kind Index; there are example.org/v1/Table, example.org/v1/View',
    );
  });

  it('is asked for when it is not clear', () => {
    expect(() => deriveDelegation([manifest('Table'), manifest('View')], plugin({ Storage: [] }), undefined)).toThrow(
      'any of example.org/v1/Table, example.org/v1/View; name it with --kind',
    );
  });
});

describe('the API of a derived delegation', () => {
  it('is the one named as the base where there are several', () => {
    expect(deriveDelegation([manifest('Table')], plugin({ View: [], Table: [] }), undefined).api).toBe('Table');
  });

  it('is asked for when it is not clear', () => {
    expect(() => deriveDelegation([manifest('Table')], plugin({ A: [], B: [] }), undefined)).toThrow(
      'several plugin APIs (A, B) and none is named Table; declare which with --config',
    );
  });
});
