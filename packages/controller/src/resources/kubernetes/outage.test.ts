import { definition, OwnControlPlane, startTimeout, TestCluster } from '@kplug/testing/control-plane';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { FollowedCluster, soon } from './testing.ts';

const tables = { apiVersion: 'outage.example.org/v1', kind: 'Table' };

let plane: OwnControlPlane;
let cluster: TestCluster;
let namespace: string;

beforeAll(async () => {
  plane = await OwnControlPlane.start();
  cluster = await TestCluster.connect(plane.kubeConfig);
  await cluster.define(definition({ group: 'outage.example.org', kind: 'Table' }));
  namespace = await cluster.namespace();
}, startTimeout);

afterAll(async () => {
  await cluster?.close();
  await plane?.stop();
});

function table(name: string, columns = 1) {
  return { ...tables, metadata: { name, namespace }, spec: { columns } };
}

function keyOf(name: string): string {
  return `outage.example.org/v1/Table/${namespace}/${name}`;
}

async function open(): Promise<FollowedCluster> {
  const options = { kubeConfig: plane.kubeConfig, watchTimeout: 5_000, requestTimeout: 5_000 };
  const followed = await FollowedCluster.open(options);
  await followed.follow(tables);
  return followed;
}

describe('an API server', () => {
  it('that is restarted is found again, without lost or deleted resources', async () => {
    await cluster.apply(table('users', 1));
    const followed = await open();
    const resource = await followed.waitFor(keyOf('users'));
    await plane.stopApiServer();
    const options = { uid: resource.metadata.uid, fieldManager: 'kplug/a' };
    await expect(followed.resources.applyStatus(keyOf('users'), { rows: 1 }, options)).rejects.toThrow(
      expect.objectContaining({ code: 'StorageFailed' }),
    );
    await vi.waitFor(() => expect(followed.resources.problem(tables)?.reason).toBe('Unreachable'), soon);
    expect(followed.resources.get(keyOf('users'))).toBe(resource);

    await plane.startApiServer();
    await vi.waitFor(() => cluster.apply(table('users', 2)), soon);
    await followed.waitFor(keyOf('users'), ({ spec }) => expect(spec).toEqual({ columns: 2 }));
    await vi.waitFor(() => expect(followed.resources.problem(tables)).toBeUndefined(), soon);
    await expect(followed.resources.applyStatus(keyOf('users'), { rows: 1 }, options)).resolves.toBe('written');
    expect(followed.changes.some(({ gone }) => gone)).toBe(false);
  }, 120_000);
});

describe('etcd', () => {
  it('that stops responding for a time delays writes, and later changes arrive', async () => {
    await cluster.apply(table('orders', 1));
    const followed = await open();
    const resource = await followed.waitFor(keyOf('orders'));
    plane.pauseEtcd();
    const options = { uid: resource.metadata.uid, fieldManager: 'kplug/a' };
    const outcome = followed.resources.applyStatus(keyOf('orders'), { rows: 1 }, options).catch((error) => error);
    await vi.waitFor(() => expect(followed.requests.at(-1)?.code).not.toBe('200'), { timeout: 30_000 });
    expect(followed.resources.get(keyOf('orders'))).toBe(resource);
    plane.resumeEtcd();
    // Written by a retry, or given up before; then the reconcile is retried.
    const result = await outcome;
    if (result !== 'written') expect(result).toMatchObject({ code: 'StorageFailed' });
    await vi.waitFor(() => cluster.apply(table('orders', 2)), { timeout: 30_000 });
    await followed.waitFor(keyOf('orders'), ({ spec }) => expect(spec).toEqual({ columns: 2 }));
    await followed.resources.applyStatus(keyOf('orders'), { rows: 1 }, options);
    await followed.waitFor(keyOf('orders'), ({ status }) => expect(status).toEqual({ rows: 1 }));
    expect(followed.changes.some(({ gone }) => gone)).toBe(false);
  }, 120_000);
});
