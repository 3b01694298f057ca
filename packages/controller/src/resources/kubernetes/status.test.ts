import { conditionsSchema, definition, startTimeout, TestCluster } from '@kplug/testing/control-plane';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import type { WriteOptions } from '../port.ts';
import type { Resource } from '../resource.ts';
import { FollowedCluster, soon } from './testing.ts';

const group = 'status.example.org';
const apiVersion = `${group}/v1`;
const tables = { apiVersion, kind: 'Table' };
const strict = { apiVersion, kind: 'Strict' };

/** Typical schema, with a default and an enumeration. */
const strictStatus = {
  type: 'object',
  properties: {
    phase: { type: 'string', enum: ['Ready', 'Failed'] },
    rows: { type: 'integer' },
    ports: {
      type: 'array',
      items: {
        type: 'object',
        required: ['port'],
        properties: { port: { type: 'integer' }, protocol: { type: 'string', default: 'TCP' } },
      },
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': ['port', 'protocol'],
    },
    tags: { type: 'array', items: { type: 'string' }, 'x-kubernetes-list-type': 'set' },
    words: { type: 'array', items: { type: 'string' } },
    conditions: conditionsSchema,
  },
};

let cluster: TestCluster;
let namespace: string;

beforeAll(async () => {
  cluster = await TestCluster.connect();
  await cluster.define(definition({ group, kind: 'Table' }));
  await cluster.define(definition({ group, kind: 'Strict', status: strictStatus }));
}, startTimeout);

afterAll(() => cluster?.close());

beforeEach(async () => {
  namespace = await cluster.namespace();
});

function object(name: string, { kind } = tables) {
  return { apiVersion, kind, metadata: { name, namespace }, spec: { columns: 1 } };
}

function keyOf(name: string, { kind } = tables): string {
  return `${apiVersion}/${kind}/${namespace}/${name}`;
}

async function open(kubeConfig = cluster.kubeConfig): Promise<FollowedCluster> {
  const followed = await FollowedCluster.open({ kubeConfig, namespaces: [namespace] });
  await followed.follow(tables);
  await followed.follow(strict);
  return followed;
}

function by({ metadata }: Resource, fieldManager = 'kplug/a'): WriteOptions {
  return { uid: metadata.uid, fieldManager };
}

describe('a status', () => {
  it('is in the cache once it has been written, and is announced once', async () => {
    await cluster.apply(object('users'));
    const { resources, changes, ...followed } = await open();
    const resource = await vi.waitFor(() => resources.get(keyOf('users')) as Resource, soon);
    await resources.applyStatus(keyOf('users'), { rows: 1 }, by(resource));
    expect(resources.get(keyOf('users'))?.status).toEqual({ rows: 1 });
    await cluster.apply(object('orders'));
    await vi.waitFor(() => expect(resources.get(keyOf('orders'))).toBeDefined(), soon);
    expect(changes.filter(({ resource: { metadata } }) => metadata.name === 'users')).toHaveLength(2);
    expect(changes.some(({ overwritten }) => overwritten)).toBe(false);
    expect(followed.log).toEqual([]);
  });

  const statuses = [
    { rows: 1, phase: 'Ready' },
    { tags: ['a', 'b'], words: ['x', 'x'] },
    { tags: [], words: [], rows: 0 },
    { conditions: [{ type: 'Ready', status: 'True', observedGeneration: 1 }] },
    { ports: [{ port: 80 }, { port: 80, protocol: 'UDP' }] },
    {},
  ];

  it.each(statuses)('takes no request when it is unchanged: %j', async (status) => {
    for (const kind of [tables, strict]) {
      await cluster.apply(object('users', kind));
      const key = keyOf('users', kind);
      const first = await open();
      const resource = await first.waitFor(key);
      const outcome = Object.keys(status).length > 0 ? 'written' : 'unchanged';
      await expect(first.resources.applyStatus(key, status, by(resource))).resolves.toBe(outcome);
      const count = first.requests.length;
      await expect(first.resources.applyStatus(key, status, by(resource))).resolves.toBe('unchanged');
      expect(first.requests).toHaveLength(count);
      await first.resources.close();
      // Defaults are only known from the response of the API server.
      if ('ports' in status) continue;

      const second = await open();
      await expect(second.resources.applyStatus(key, status, by(await second.waitFor(key)))).resolves.toBe('unchanged');
      expect(second.writes()).toEqual([]);
    }
  });

  it('is removed with all fields of its manager', async () => {
    await cluster.apply(object('users'));
    const followed = await open();
    const resource = await followed.waitFor(keyOf('users'));
    await followed.resources.applyStatus(keyOf('users'), { rows: 1, plugin: { name: 'a' } }, by(resource));
    await followed.resources.applyStatus(keyOf('users'), { size: 2 }, by(resource, 'kplug/b'));
    await expect(followed.resources.applyStatus(keyOf('users'), {}, by(resource))).resolves.toBe('written');
    expect(followed.resources.get(keyOf('users'))?.status).toEqual({ size: 2 });
    await expect(followed.resources.applyStatus(keyOf('users'), {}, by(resource))).resolves.toBe('unchanged');
  });

  it('that another client edits is reported as overwritten, and written again', async () => {
    await cluster.apply(object('users'));
    const followed = await open();
    const resource = await followed.waitFor(keyOf('users'));
    const said = { rows: 1, phase: 'Ready' };
    await followed.resources.applyStatus(keyOf('users'), said, by(resource));
    await cluster.edit(object('users'), { status: { rows: 7 } }, 'status');
    await vi.waitFor(() => expect(followed.changes.at(-1)).toMatchObject({ overwritten: true }), soon);
    await expect(followed.resources.applyStatus(keyOf('users'), said, by(resource))).resolves.toBe('written');
    expect(followed.resources.get(keyOf('users'))?.status).toEqual(said);
  });

  it('that does not match the schema is rejected with the invalid field', async () => {
    await cluster.apply(object('users', strict));
    const { resources, ...followed } = await open();
    const key = keyOf('users', strict);
    const resource = await vi.waitFor(() => resources.get(key) as Resource, soon);
    for (const [status, field] of [
      [{ phase: 'Strange' }, 'status.phase'],
      [{ rows: 'many' }, 'status.rows'],
      [{ unheardOf: 1 }, 'status.unheardOf'],
    ] as const) {
      await expect(resources.applyStatus(key, status, by(resource))).rejects.toThrow(
        expect.objectContaining({ code: 'InvalidResponse', message: expect.stringContaining(field) }),
      );
    }
    expect(resources.get(key)).toBe(resource);
    expect(followed.log).toEqual([]);
  });

  it.each([
    ['etcd', 2],
    ['the API server', 3.5],
  ])('that is larger than %s accepts is rejected with the reason', async (_, size) => {
    await cluster.apply(object('users'));
    const followed = await open();
    const { resources } = followed;
    const resource = await followed.waitFor(keyOf('users'));
    const status = { text: 'x'.repeat(size * 1024 * 1024) };
    await expect(resources.applyStatus(keyOf('users'), status, by(resource))).rejects.toThrow(
      expect.objectContaining({
        code: 'InvalidResponse',
        message: expect.stringMatching(/it is too large for the API server: .*; let the plugin return less$/),
        cause: expect.objectContaining({ reason: 'TooLarge' }),
      }),
    );
  });
});

describe('a status of a kind without a status', () => {
  const kind = { apiVersion: 'v1', kind: 'ConfigMap' };
  const map = () => ({ ...kind, metadata: { name: 'options', namespace }, data: { a: '1' } });

  /** Returns the map in the cache, and the annotations that users see. */
  async function follow() {
    const followed = await FollowedCluster.open({ kubeConfig: cluster.kubeConfig, namespaces: [namespace] });
    await followed.follow(kind);
    const key = `/v1/ConfigMap/${namespace}/options`;
    const annotations = async () => ((await cluster.get(map()))?.metadata.annotations ?? {}) as Record<string, string>;
    return { followed, key, annotations, resource: await followed.waitFor(key) };
  }

  it('is stored in an annotation per manager, and read as a status', async () => {
    await cluster.apply({ ...map(), metadata: { ...map().metadata, annotations: { own: 'x' } } });
    const { followed, key, resource, annotations } = await follow();
    const { resources } = followed;
    await expect(resources.applyStatus(key, { rows: 1 }, by(resource))).resolves.toBe('written');
    await resources.applyStatus(key, { size: 2 }, by(resource, 'kplug/b'));
    expect(resources.get(key)).toMatchObject({ status: { rows: 1, size: 2 }, data: { a: '1' } });
    expect(resources.get(key)?.metadata.annotations).toEqual({ own: 'x' });
    expect(resources.get(key)?.metadata.generation).toBe(resource.metadata.generation);
    expect(await annotations()).toEqual({
      own: 'x',
      'status.kplug.dev/a': '{"rows":1}',
      'status.kplug.dev/b': '{"size":2}',
    });
    await resources.applyStatus(key, { columns: 3 }, { ...by(resource), merge: true });
    expect(resources.get(key)?.status).toEqual({ rows: 1, columns: 3, size: 2 });
    await expect(resources.applyStatus(key, {}, by(resource))).resolves.toBe('written');
    expect(resources.get(key)?.status).toEqual({ size: 2 });
  });

  it('takes no request when it is unchanged, before and after a restart', async () => {
    await cluster.apply(map());
    const first = await follow();
    const status = { rows: 1, plugin: { version: '1', name: 'a' } };
    await first.followed.resources.applyStatus(first.key, status, by(first.resource));
    for (const { followed, key, resource } of [first, await follow()]) {
      const count = followed.requests.length;
      const same = { plugin: { name: 'a', version: '1' }, rows: 1 };
      await expect(followed.resources.applyStatus(key, same, by(resource))).resolves.toBe('unchanged');
      expect(followed.requests).toHaveLength(count);
    }
  });

  it('that another client edits is reported as overwritten, and written again', async () => {
    await cluster.apply(map());
    const { followed, key, resource, annotations } = await follow();
    for (const edited of ['{"rows":7}', 'no JSON', null]) {
      await followed.resources.applyStatus(key, { rows: 1 }, by(resource));
      await vi.waitFor(() => expect(followed.resources.get(key)?.status).toEqual({ rows: 1 }), soon);
      await cluster.edit(map(), { metadata: { annotations: { 'status.kplug.dev/a': edited } } });
      await vi.waitFor(() => expect(followed.changes.at(-1)).toMatchObject({ overwritten: true }), soon);
    }
    await expect(followed.resources.applyStatus(key, { rows: 1 }, by(resource))).resolves.toBe('written');
    expect(await annotations()).toEqual({ 'status.kplug.dev/a': '{"rows":1}' });
  });
});
