import { KubernetesOperator } from '@kplug/testing/cluster';
import { definition, startTimeout, TestCluster } from '@kplug/testing/control-plane';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';

const waitOptions = { timeout: 20_000, interval: 20 };
const hour = 3_600_000;

let cluster: TestCluster;

beforeAll(async () => {
  cluster = await TestCluster.connect();
  await cluster.define(definition({ group: 'operator.example.org', kind: 'Table' }));
}, startTimeout);

afterAll(() => cluster?.close());

it('an answer that holds saves the calls and the writes of passes, until a dependent changes', async () => {
  const namespace = await cluster.namespace();
  const kinds = [{ apiVersion: 'v1', kind: 'ConfigMap' }];
  const delegation = { resync: 20, dependents: { kinds } };
  const operator = await KubernetesOperator.start(cluster, namespace, { delegation });
  const calls: string[] = [];
  const count = (name: string) => calls.filter((one) => one === name).length;
  await operator.plugin({
    name: 'Careful',
    reconcile: ({ base: { metadata } }) => {
      calls.push(metadata.name);
      if (metadata.name !== 'users') return {};
      const settings = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'settings' }, data: { colour: 'red' } };
      return { dependents: [settings], validFor: hour };
    },
  });
  // Each pass calls the plugin for this one.
  await cluster.apply(operator.object('Table', 'other'));
  await cluster.apply(operator.object('Table', 'users'));
  await operator.expectReady('users', 'Careful');
  await vi.waitFor(() => expect(count('users')).toBe(2), waitOptions);
  const passSeveralTimes = async () => {
    const before = count('other');
    await vi.waitFor(() => expect(count('other')).toBeGreaterThanOrEqual(before + 5), waitOptions);
  };
  await passSeveralTimes();
  await operator.takeRequests();
  await passSeveralTimes();
  expect(count('users')).toBe(2);
  expect(await operator.takeRequests()).toEqual([]);

  const map = { ...operator.object('ConfigMap', 'settings'), apiVersion: 'v1' };
  await cluster.edit(map, { data: { colour: 'blue' } });
  // One call for the change, and one for the dependent as it was corrected.
  await vi.waitFor(() => expect(count('users')).toBe(4), waitOptions);
  await vi.waitFor(async () => expect(await cluster.get(map)).toMatchObject({ data: { colour: 'red' } }), waitOptions);
  await passSeveralTimes();
  expect(count('users')).toBe(4);
});
