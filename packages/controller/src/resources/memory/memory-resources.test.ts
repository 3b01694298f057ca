import { describe, expect, it } from 'vitest';
import { describeContract } from '../contract.ts';
import type { Manifest } from '../manifest.ts';
import type { ResourceChange } from '../port.ts';
import { keyOf } from '../resource.ts';
import { MemoryResources } from './memory-resources.ts';
import type { Persistence, StoredResource } from './persistence.ts';

const table: Manifest = {
  apiVersion: 'example.org/v1',
  kind: 'Table',
  metadata: { name: 'users', labels: { tier: 'a' } },
  spec: { columns: [{ name: 'id' }] },
};
const key = 'example.org/v1/Table/default/users';

describeContract(async () => {
  const resources = new MemoryResources();
  return {
    resources,
    apply: async (manifest) => void resources.apply(manifest),
    remove: async (manifest) => {
      resources.delete(`${manifest.apiVersion}/${manifest.kind}/default/${manifest.metadata.name}`);
    },
  };
});

describe('MemoryResources', () => {
  it('creates no dependent of an owner that is gone or was created again', async () => {
    const resources = new MemoryResources();
    const owner = resources.apply(table);
    const dependent = 'example.org/v1/View/default/all';
    const write = () => resources.applyOwned(dependent, { fields: { spec: {} } }, { owner, fieldManager: 'kplug/a' });
    resources.delete(key);
    await expect(write()).resolves.toEqual({ result: 'gone' });
    resources.apply(table);
    await expect(write()).resolves.toEqual({ result: 'gone' });
    expect(resources.get(dependent)).toBeUndefined();
  });

  it('increments the generation for changes by the user only', () => {
    const resources = new MemoryResources();
    const first = resources.apply({ ...table, data: { a: '1' } });
    expect(resources.apply({ ...table, data: { a: '1' }, status: { rows: 1 } })).toBe(first);
    expect(first).not.toHaveProperty('status');

    const relabelled = resources.apply({
      ...table,
      metadata: { name: 'users', annotations: { a: 'b' } },
      data: { a: '1' },
    });
    expect(relabelled.metadata).toMatchObject({ generation: 1, annotations: { a: 'b' } });
    expect(relabelled.metadata).not.toHaveProperty('labels');
    expect(relabelled.metadata.resourceVersion).not.toBe(first.metadata.resourceVersion);
    expect(relabelled.spec).toBe(first.spec);

    expect(resources.apply({ ...table, data: { a: '2' } })).toMatchObject({
      metadata: { generation: 2 },
      data: { a: '2' },
    });
    expect(resources.apply(table).metadata).toMatchObject({ generation: 3, uid: first.metadata.uid });
    expect(resources.get(key)).not.toHaveProperty('data');
    expect(first).toMatchObject({ metadata: { generation: 1, labels: { tier: 'a' } }, data: { a: '1' } });
  });

  it('copies its input', async () => {
    const resources = new MemoryResources();
    const spec = { columns: 1 };
    const { metadata } = resources.apply({ ...table, spec });
    const status = { rows: 1 };
    await resources.applyStatus(key, status, { uid: metadata.uid, fieldManager: 'kplug/a' });
    spec.columns = 2;
    status.rows = 2;
    expect(resources.get(key)).toMatchObject({ spec: { columns: 1 }, status: { rows: 1 } });
    const again = resources.applyStatus(key, status, { uid: metadata.uid, fieldManager: 'kplug/a' });
    await expect(again).resolves.toBe('written');
  });

  it('does not restore a resource that is being deleted', async () => {
    const resources = new MemoryResources();
    const { metadata } = resources.apply(table);
    const options = { uid: metadata.uid, fieldManager: 'kplug/a' };
    await resources.addFinalizer(key, 'kplug.dev/a', options);
    expect(resources.delete(key)).toBe('written');
    expect(resources.delete(key)).toBe('unchanged');
    const deleting = resources.get(key);
    expect(resources.apply({ ...table, spec: { columns: [] } })).toBe(deleting);
    await resources.removeFinalizer(key, 'kplug.dev/a', options);
    expect(resources.delete(key)).toBe('gone');
    expect(resources.apply(table).metadata.uid).not.toBe(metadata.uid);
  });

  it('changes only the annotations of a resource that is being deleted', async () => {
    const resources = new MemoryResources();
    const { metadata } = resources.apply(table);
    await resources.addFinalizer(key, 'example.org/f', { uid: metadata.uid, fieldManager: 'kplug/a' });
    resources.delete(key);
    const annotations = { note: 'changed' };
    const changed = resources.apply({ ...table, metadata: { name: 'users', annotations }, spec: { columns: [] } });
    expect(changed).toMatchObject({
      spec: table.spec,
      metadata: { generation: 1, labels: { tier: 'a' }, annotations },
    });
    expect(resources.apply({ ...table, metadata: { name: 'users', annotations } })).toBe(changed);
    expect(resources.apply(table).metadata.annotations).toBeUndefined();
  });

  it('rejects invalid manifests with a reason', () => {
    const resources = new MemoryResources();
    expect(() => resources.apply({ ...table, spec: JSON.parse('{"__proto__":{"a":1}}') })).toThrow(
      "Table users can't be applied: spec.__proto__ is a key that is not allowed.",
    );
    expect(() => resources.apply({ ...table, metadata: { name: '../users' } })).toThrow(
      expect.objectContaining({ code: 'InvalidManifest' }),
    );
    expect(resources.keys()).toEqual([]);
  });

  it('announces a change to all listeners before the next one, even when a listener causes it', async () => {
    const resources = new MemoryResources();
    const told: string[] = [];
    await resources.follow(table, ({ resource }) => {
      told.push(`first ${resource.metadata.name} ${resource.metadata.generation}`);
      if (resource.metadata.generation === 1) resources.apply({ ...table, spec: {} });
    });
    await resources.follow(table, ({ resource }) => {
      told.push(`second ${resource.metadata.name} ${resource.metadata.generation}`);
    });
    resources.apply(table);
    expect(told).toEqual(['first users 1', 'second users 1', 'first users 2', 'second users 2']);
  });

  it('never announces an older state after a newer one', async () => {
    const resources = new MemoryResources();
    resources.apply(table);
    resources.apply({ ...table, metadata: { name: 'orders' } });
    const versions = new Map<string, number>();
    await resources.follow(table, ({ resource }: ResourceChange) => {
      const { name, resourceVersion, generation } = resource.metadata;
      expect(Number(resourceVersion)).toBeGreaterThan(versions.get(name) ?? 0);
      versions.set(name, Number(resourceVersion));
      if (generation === 1) resources.apply({ ...table, metadata: { name: 'orders' }, spec: {} });
    });
    expect([...versions]).toEqual([
      ['users', 1],
      ['orders', 3],
    ]);
  });

  it('restores stored resources, and continues', async () => {
    const before = new MemoryResources();
    const { metadata } = before.apply(table);
    await before.applyStatus(key, { a: 1, both: 'a' }, { uid: metadata.uid, fieldManager: 'kplug/a' });
    await before.applyStatus(key, { b: 1, both: 'b' }, { uid: metadata.uid, fieldManager: 'kplug/b' });
    const stored = before.stored(key);
    if (!stored) throw new Error('Nothing was stored.');

    const after = new MemoryResources();
    after.restore(stored);
    expect(after.get(key)).toBe(before.get(key));
    await after.applyStatus(key, {}, { uid: metadata.uid, fieldManager: 'kplug/b' });
    expect(after.get(key)?.status).toEqual({ a: 1, both: 'a' });
    expect(Number(after.get(key)?.metadata.resourceVersion)).toBeGreaterThan(
      Number(stored.resource.metadata.resourceVersion),
    );
  });

  it('fulfills a write once it is durable, even an unchanged one', async () => {
    const { persistence, changed, makeSafe } = deferredPersistence();
    const resources = new MemoryResources({ persistence });
    const { metadata } = resources.apply(table);
    const done: string[] = [];
    const options = { uid: metadata.uid, fieldManager: 'kplug/a' };
    const writes = [1, 2].map(async () => done.push(await resources.applyStatus(key, { rows: 1 }, options)));
    expect(resources.get(key)?.status).toEqual({ rows: 1 });
    expect(changed.map((stored) => stored?.resource.status)).toEqual([undefined, { rows: 1 }]);
    await new Promise((resolve) => setImmediate(resolve));
    expect(done).toEqual([]);
    makeSafe();
    await Promise.all(writes);
    expect(done).toEqual(['written', 'unchanged']);
    resources.delete(key);
    expect(changed.at(-1)).toBeUndefined();
    expect(keyOf(resources.apply(table))).toBe(key);
  });
});

function deferredPersistence() {
  const { promise, resolve } = Promise.withResolvers<void>();
  const changed: (StoredResource | undefined)[] = [];
  const persistence: Persistence = {
    changed: (_, stored) => void changed.push(stored),
    durable: () => promise,
    flush: () => promise,
  };
  return { persistence, changed, makeSafe: resolve };
}
