import { readFileSync } from 'node:fs';
import { KubernetesOperator } from '@kplug/testing/cluster';
import { definition, startTimeout, TestCluster } from '@kplug/testing/control-plane';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';

const waitOptions = { timeout: 20_000, interval: 20 };
const page = readFileSync(new URL('../docs/uninstall.md', import.meta.url), 'utf8');

let cluster: TestCluster;

beforeAll(async () => {
  cluster = await TestCluster.connect();
  await cluster.define(definition({ group: 'operator.example.org', kind: 'Table' }));
}, startTimeout);

afterAll(() => cluster?.close());

/** Starts an operator and a plugin, and deletes a ready resource after the operator has stopped. */
async function deleteWithoutOperator() {
  const namespace = await cluster.namespace();
  const calls: string[] = [];
  const plugin = {
    name: 'Keeper',
    reconcile: () => void calls.push('reconcile'),
    finalize: () => void calls.push('finalize'),
  };
  const operator = await KubernetesOperator.start(cluster, namespace);
  await operator.plugin(plugin);
  const table = operator.object('Table', 'users');
  await cluster.apply(table);
  await operator.expectReady('users', 'Keeper');
  await operator.controller.stop();
  await cluster.delete(table);
  const waiting = await operator.stored('Table', 'users');
  expect(waiting?.metadata).toMatchObject({ finalizers: ['kplug.dev/tables'], deletionTimestamp: expect.any(String) });
  expect(waiting?.status).toMatchObject({ implementation: 'Keeper' });
  return { namespace, operator, plugin, table, calls };
}

it('a resource that is deleted without an operator waits for one, and is finalized then', async () => {
  const { namespace, plugin, calls } = await deleteWithoutOperator();
  expect(calls).toEqual(['reconcile']);
  const next = await KubernetesOperator.start(cluster, namespace);
  await next.plugin(plugin);
  await vi.waitFor(async () => expect(await next.stored('Table', 'users')).toBeUndefined(), waitOptions);
  expect(calls).toEqual(['reconcile', 'finalize']);
});

it('the patch of the guide removes a resource that waits for an operator', async () => {
  const { operator, table, calls } = await deleteWithoutOperator();
  const [, patch = ''] = /--patch='([^']+)'/.exec(page) ?? [];
  await cluster.edit(table, JSON.parse(patch));
  await vi.waitFor(async () => expect(await operator.stored('Table', 'users')).toBeUndefined(), waitOptions);
  expect(calls).toEqual(['reconcile']);
});
