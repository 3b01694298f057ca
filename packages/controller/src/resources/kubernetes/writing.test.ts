import { definition, FaultProxy, startTimeout, TestCluster } from '@kplug/testing/control-plane';
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import type { WriteOptions } from '../port.ts';
import type { Resource } from '../resource.ts';
import { FollowedCluster, soon } from './testing.ts';

const group = 'writing.example.org';
const apiVersion = `${group}/v1`;
const tables = { apiVersion, kind: 'Table' };
const finalizer = 'kplug.dev/delegation';

let cluster: TestCluster;
let namespace: string;

beforeAll(async () => {
  cluster = await TestCluster.connect();
  await cluster.define(definition({ group, kind: 'Table' }));
}, startTimeout);

afterAll(() => cluster?.close());

beforeEach(async () => {
  namespace = await cluster.namespace();
});

function object(name: string) {
  return { ...tables, metadata: { name, namespace }, spec: { columns: 1 } };
}

function keyOf(name: string): string {
  return `${apiVersion}/Table/${namespace}/${name}`;
}

async function open(kubeConfig = cluster.kubeConfig): Promise<FollowedCluster> {
  const followed = await FollowedCluster.open({ kubeConfig, namespaces: [namespace] });
  await followed.follow(tables);
  return followed;
}

function by({ metadata }: Resource, fieldManager = 'kplug/a'): WriteOptions {
  return { uid: metadata.uid, fieldManager };
}

async function openProxy(): Promise<FaultProxy> {
  const proxy = await FaultProxy.open(cluster.kubeConfig);
  onTestFinished(() => proxy.close());
  return proxy;
}

/** Stops all events of watches, but not responses to requests. */
async function freezeWatch(proxy: FaultProxy): Promise<void> {
  await vi.waitFor(() => expect(proxy.requests.some(({ url }) => url.searchParams.has('watch'))).toBe(true), soon);
  proxy.freeze();
}

describe('a write', () => {
  it('is retried when a busy server allows it', async () => {
    await cluster.apply(object('users'));
    const proxy = await openProxy();
    const followed = await open(proxy.kubeConfig());
    const resource = await followed.waitFor(keyOf('users'));
    const refusals = [429, 503];
    const times: number[] = [];
    proxy.decide(({ method }) => {
      if (method !== 'PATCH') return undefined;
      times.push(performance.now());
      const status = refusals.shift();
      return status ? { status, headers: { 'retry-after': '1' }, body: { message: 'try again later' } } : undefined;
    });
    await expect(followed.resources.applyStatus(keyOf('users'), { rows: 1 }, by(resource))).resolves.toBe('written');
    expect(times).toHaveLength(3);
    const [first = 0, , third = 0] = times;
    expect(third - first).toBeGreaterThanOrEqual(2_000);
    expect(followed.writes()).toEqual(['429', '503', '200'].map((code) => `apply tables/status ${code}`));
  });

  it('is retried when its response is cut off', async () => {
    await cluster.apply(object('users'));
    const proxy = await openProxy();
    const followed = await open(proxy.kubeConfig());
    const resource = await followed.waitFor(keyOf('users'));
    let cuts = 0;
    proxy.decide(({ method }) => {
      if (method !== 'PATCH' || cuts > 0) return undefined;
      cuts += 1;
      return { onChunk: (_, { cut }) => cut() };
    });
    await followed.resources.applyStatus(keyOf('users'), { rows: 1 }, by(resource));
    expect(cuts).toBe(1);
    expect(followed.resources.get(keyOf('users'))?.status).toEqual({ rows: 1 });
  });

  it('fails when the server stays busy', async () => {
    await cluster.apply(object('users'));
    const proxy = await openProxy();
    const followed = await open(proxy.kubeConfig());
    const resource = await followed.waitFor(keyOf('users'));
    proxy.decide(({ method }) =>
      method === 'PATCH' ? { status: 429, body: { message: 'too many requests' } } : undefined,
    );
    await expect(followed.resources.applyStatus(keyOf('users'), { rows: 1 }, by(resource))).rejects.toThrow(
      expect.objectContaining({
        code: 'StorageFailed',
        message: expect.stringMatching(/Table .*users.*429.*too many/),
      }),
    );
  });

  it('that is forbidden is reported with the missing rule', async () => {
    await cluster.apply(object('users'));
    const user = `reader-${namespace}`;
    await cluster.grant(user, namespace, [{ apiGroups: [group], resources: ['*'], verbs: ['get', 'list', 'watch'] }]);
    const proxy = await openProxy();
    const followed = await open(proxy.kubeConfig(user));
    const resource = await followed.waitFor(keyOf('users'));
    const rule = (what: string) => `{ apiGroups: ["${group}"], resources: ["${what}"], verbs: ["patch"] }`;
    await expect(followed.resources.applyStatus(keyOf('users'), { rows: 1 }, by(resource))).rejects.toThrow(
      expect.objectContaining({ code: 'StorageFailed', message: expect.stringContaining(rule('tables/status')) }),
    );
    await expect(followed.resources.addFinalizer(keyOf('users'), finalizer, by(resource))).rejects.toThrow(
      expect.objectContaining({ code: 'StorageFailed', message: expect.stringContaining(rule('tables')) }),
    );
  });

  it('in progress is completed when the resources are closed', async () => {
    await cluster.apply(object('users'));
    const followed = await open();
    const resource = await followed.waitFor(keyOf('users'));
    const writing = followed.resources.applyStatus(keyOf('users'), { rows: 1 }, by(resource));
    await followed.resources.close();
    await expect(writing).resolves.toBe('written');
    expect((await cluster.get(object('users')))?.status).toEqual({ rows: 1 });
  });
});

describe('a finalizer', () => {
  it('is added and removed next to others, even if the resource changed meanwhile', async () => {
    await cluster.apply(object('users'));
    const proxy = await openProxy();
    const followed = await open(proxy.kubeConfig());
    const resource = await followed.waitFor(keyOf('users'));
    await freezeWatch(proxy);
    await cluster.edit(object('users'), { metadata: { finalizers: ['example.org/other'] } });
    await expect(followed.resources.addFinalizer(keyOf('users'), finalizer, by(resource))).resolves.toBe('written');
    expect((await cluster.get(object('users')))?.metadata.finalizers).toEqual(['example.org/other', finalizer]);
    expect(followed.writes()).toEqual(['patch tables 409', 'patch tables 200']);

    await expect(followed.resources.removeFinalizer(keyOf('users'), finalizer, by(resource))).resolves.toBe('written');
    expect((await cluster.get(object('users')))?.metadata.finalizers).toEqual(['example.org/other']);
    await cluster.edit(object('users'), { metadata: { finalizers: null } });
  });

  it('is not added to a resource that was created again meanwhile', async () => {
    await cluster.apply(object('users'));
    const proxy = await openProxy();
    const followed = await open(proxy.kubeConfig());
    const resource = await followed.waitFor(keyOf('users'));
    await freezeWatch(proxy);
    await cluster.delete(object('users'));
    await expect(followed.resources.applyStatus(keyOf('users'), { rows: 1 }, by(resource))).resolves.toBe('gone');
    await cluster.apply(object('users'));
    await expect(followed.resources.addFinalizer(keyOf('users'), finalizer, by(resource))).resolves.toBe('gone');
    await expect(followed.resources.applyStatus(keyOf('users'), { rows: 1 }, by(resource))).resolves.toBe('gone');
    const stored = await cluster.get(object('users'));
    expect(stored?.metadata.finalizers).toBeUndefined();
    expect(stored?.status).toBeUndefined();
  });
});

describe('three hundred resources', () => {
  it('get a finalizer and a status by two writes each', async () => {
    const followed = await open();
    const names = Array.from({ length: 300 }, (_, index) => `table-${index}`);
    await Promise.all(names.map((name) => cluster.apply(object(name))));
    await vi.waitFor(() => expect(followed.names(tables)).toHaveLength(300), soon);
    await Promise.all(
      names.map(async (name) => {
        const resource = await followed.waitFor(keyOf(name));
        await followed.resources.addFinalizer(keyOf(name), finalizer, by(resource));
        await followed.resources.applyStatus(keyOf(name), { rows: 1 }, by(resource));
      }),
    );
    expect(followed.writes()).toHaveLength(600);
    expect(new Set(followed.writes())).toEqual(new Set(['patch tables 200', 'apply tables/status 200']));
    for (const name of names) {
      const resource = await followed.waitFor(keyOf(name), ({ status }) => expect(status).toEqual({ rows: 1 }));
      await followed.resources.removeFinalizer(keyOf(name), finalizer, by(resource));
    }
  });
});
