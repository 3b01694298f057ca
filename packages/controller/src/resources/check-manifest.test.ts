import { describe, expect, it } from 'vitest';
import { checkManifest } from './check-manifest.ts';
import { formatPath } from './json.ts';

const table = { apiVersion: 'example.org/v1', kind: 'Table', metadata: { name: 'users' }, spec: { columns: 1 } };

describe('checkManifest', () => {
  it('normalizes a manifest', () => {
    const { manifest } = checkManifest({
      ...table,
      metadata: { name: 'users', uid: 'x', finalizers: ['x'], labels: {}, annotations: null, ownerReferences: [] },
      spec: null,
      data: { key: 'value' },
      status: { constructor: 'whatever stands here' },
    });
    expect(manifest).toStrictEqual({
      apiVersion: 'example.org/v1',
      kind: 'Table',
      metadata: { name: 'users', namespace: 'default' },
      data: { key: 'value' },
    });
  });

  it.each([
    ['apiVersion', { ...table, apiVersion: 'Example/v1' }],
    ['apiVersion', { ...table, apiVersion: 'a/b/v1' }],
    ['apiVersion', { ...table, apiVersion: undefined }],
    ['kind', { ...table, kind: 'Ta/ble' }],
    ['kind', { ...table, kind: 7 }],
    ['metadata', { ...table, metadata: null }],
    ['metadata.name', { ...table, metadata: {} }],
    ['metadata.name', { ...table, metadata: { name: '../users' } }],
    ['metadata.name', { ...table, metadata: { name: '..' } }],
    ['metadata.name', { ...table, metadata: { name: 'Users' } }],
    ['metadata.name', { ...table, metadata: { name: 'a'.repeat(254) } }],
    ['metadata.name', { ...table, metadata: { name: 12 } }],
    ['metadata.namespace', { ...table, metadata: { name: 'users', namespace: 'a.b' } }],
    ['metadata.namespace', { ...table, metadata: { name: 'users', namespace: '..' } }],
    ['metadata.labels.version', { ...table, metadata: { name: 'users', labels: { version: 1 } } }],
    ['spec', { ...table, spec: [] }],
    ['spec.a.__proto__', { ...table, spec: JSON.parse('{"a":{"__proto__":{}}}') }],
    ['metadata.labels.constructor', { ...table, metadata: { name: 'users', labels: { constructor: 'x' } } }],
    ['', 'users'],
    ['', null],
  ])('reports the fault of %s', (path, value) => {
    const { fault } = checkManifest(value);
    expect(fault && formatPath(fault.path)).toBe(path);
    expect(fault?.message).toMatch(/^(is|must) /);
  });

  it.each(['v1', 'apps/v1', 'example.org/v1alpha1'])('takes the version %s', (apiVersion) => {
    expect(checkManifest({ ...table, apiVersion }).fault).toBeUndefined();
  });
});
