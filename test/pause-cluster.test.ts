import { KubernetesOperator, uniqueGroup } from '@kplug/testing/cluster';
import { conditionsSchema, definition, startTimeout, TestCluster } from '@kplug/testing/control-plane';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';

const waitOptions = { timeout: 20_000, interval: 20 };

let cluster: TestCluster;

beforeAll(async () => {
  cluster = await TestCluster.connect();
  await cluster.define(definition({ group: 'operator.example.org', kind: 'Table' }));
}, startTimeout);

afterAll(() => cluster?.close());

async function start() {
  const namespace = await cluster.namespace();
  const operator = await KubernetesOperator.start(cluster, namespace);
  const calls: string[] = [];
  await operator.plugin({
    name: 'Keeper',
    reconcile: () => void calls.push('reconcile'),
    finalize: () => void calls.push('finalize'),
  });
  const table = operator.object('Table', 'users');
  return {
    operator,
    calls,
    table,
    /** Sets or removes an annotation, as `kubectl annotate` does. */
    annotate: (name: string, value: string | null) =>
      cluster.edit(table, { metadata: { annotations: { [`kplug.dev/${name}`]: value } } }),
  };
}

it('calls the plugin once for a new value of kplug.dev/reconcile-at, although the generation stays', async () => {
  const { operator, calls, table, annotate } = await start();
  await cluster.apply(table);
  await operator.expectReady('users', 'Keeper');
  await operator.takeRequests();
  expect(calls).toHaveLength(1);
  await annotate('reconcile-at', '2026-01-01T00:00:00Z');
  await vi.waitFor(async () => {
    const stored = await operator.stored('Table', 'users');
    expect(stored?.status).toMatchObject({ lastHandledReconcileAt: '2026-01-01T00:00:00Z' });
    expect(stored?.metadata.generation).toBe(1);
  }, waitOptions);
  await annotate('reconcile-at', '2026-01-01T00:00:00Z');
  expect(await operator.takeRequests()).toEqual(['apply tables/status']);
  expect(calls).toHaveLength(2);
});

it('calls nothing and finalizes nothing while kplug.dev/paused is "true"', async () => {
  const { operator, calls, table, annotate } = await start();
  await cluster.apply(table);
  await operator.expectReady('users', 'Keeper');
  await annotate('paused', 'true');
  await operator.expectCondition('users', 'Paused', { status: 'True', reason: 'Paused' });
  await cluster.edit(table, { spec: { columns: 2 } });
  await cluster.delete(table);
  const stored = await operator.expectCondition('users', 'Paused', {
    message: expect.stringContaining('its deletion waits') as string,
  });
  expect(stored.status).toMatchObject({ observedGeneration: 1 });
  await operator.controller.whenIdle();
  expect(calls).toEqual(['reconcile']);

  await annotate('paused', null);
  await vi.waitFor(async () => expect(await operator.stored('Table', 'users')).toBeUndefined(), waitOptions);
  expect(calls).toEqual(['reconcile', 'finalize']);
});

it('removes the condition when a resource is resumed', async () => {
  const { operator, table, annotate } = await start();
  await cluster.apply({ ...table, metadata: { ...table.metadata, annotations: { 'kplug.dev/paused': 'true' } } });
  await operator.expectCondition('users', 'Paused', { status: 'True' });
  await annotate('paused', null);
  const { status } = await operator.expectReady('users', 'Keeper');
  expect(status?.conditions).not.toContainEqual(expect.objectContaining({ type: 'Paused' }));
});

it('does not fail on a kind whose status has a schema without lastHandledReconcileAt', async () => {
  const namespace = await cluster.namespace();
  const text = { type: 'string' };
  const anything = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true };
  const properties = {
    implementation: text,
    plugin: anything,
    observedGeneration: { type: 'integer' },
    conditions: conditionsSchema,
  };
  const group = uniqueGroup();
  await cluster.define(definition({ group, kind: 'Table', status: { type: 'object', properties } }));
  const base = { apiVersion: `${group}/v1`, kind: 'Table' };
  const operator = await KubernetesOperator.start(cluster, namespace, { delegation: { base } });
  let calls = 0;
  await operator.plugin({ name: 'Keeper', reconcile: () => void calls++ });
  const table = { ...base, metadata: { name: 'users', namespace }, spec: {} };
  await cluster.apply(table);
  const expectReady = () =>
    vi.waitFor(async () => {
      expect((await cluster.get(table))?.status?.conditions).toContainEqual(
        expect.objectContaining({ type: 'Ready', status: 'True' }),
      );
    }, waitOptions);
  await expectReady();
  await cluster.edit(table, { metadata: { annotations: { 'kplug.dev/reconcile-at': 'now' } } });
  await vi.waitFor(() => expect(calls).toBe(2), waitOptions);
  await operator.controller.whenIdle();
  expect((await cluster.get(table))?.status).not.toHaveProperty('lastHandledReconcileAt');
  expect(calls).toBe(2);
  await cluster.edit(table, { spec: { columns: 2 } });
  await vi.waitFor(() => expect(calls).toBe(3), waitOptions);
  await vi.waitFor(
    async () => expect((await cluster.get(table))?.status).toMatchObject({ observedGeneration: 2 }),
    waitOptions,
  );
  await expectReady();
});
