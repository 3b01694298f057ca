import { KubernetesOperator, waitOptions } from '@kplug/testing/cluster';
import { definition, ownDefinition, type StoredObject, startTimeout, TestCluster } from '@kplug/testing/control-plane';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';

let cluster: TestCluster;

beforeAll(async () => {
  cluster = await TestCluster.connect();
  await cluster.define(definition({ group: 'operator.example.org', kind: 'Table' }));
  await cluster.define(await ownDefinition('provided-capability'));
}, startTimeout);

afterAll(() => cluster?.close());

/** Returns the entries of an operator, each with its type, availability and versions. */
async function entriesOf(namespace: string): Promise<string[]> {
  const path = `/apis/catalogue.kplug.dev/v1alpha1/providedcapabilities?labelSelector=catalogue.kplug.dev/operator=${namespace}`;
  const { items } = await cluster.request<{ items: StoredObject[] }>('GET', path);
  return items.map(({ spec, status }) => {
    const { category, type } = spec as { category: string; type: string };
    return `${category}/${type} ${status?.available} ${status?.versions} for ${status?.kinds}`;
  });
}

const quick = { settleTime: 10, writeInterval: 20, startGrace: 3_000 };

async function start(namespace: string) {
  const operator = await KubernetesOperator.start(cluster, namespace, {
    delegation: { capability: {} },
    controller: { catalogue: quick, pluginResources: { settleTime: 10 } },
  });
  const provides = [{ category: 'database', type: 'postgresql', versions: ['16', '17'] }];
  const provide = () => operator.plugin({ name: 'Databases', api: { name: 'Table', version: '1.0.0', provides } });
  return { operator, provide };
}

it('an operator lists what its plugins provide, also while it is replaced by another one', async () => {
  const namespace = await cluster.namespace();
  const listed = ['database/postgresql True 16, 17 for Table.operator.example.org'];
  const first = await start(namespace);
  const plugin = await first.provide();
  await vi.waitFor(async () => expect(await entriesOf(namespace)).toEqual(listed), waitOptions);
  await first.operator.controller.stop();
  await plugin.stop();
  expect(await entriesOf(namespace)).toEqual(listed);

  const second = await start(namespace);
  expect(await entriesOf(namespace)).toEqual(listed);
  await second.provide();
  // After the time of grace, what did not come back would be unavailable.
  await second.operator.plugin({
    name: 'Others',
    api: { name: 'Table', version: '1.0.0', provides: [{ category: 'database', type: 'redis', versions: ['8'] }] },
  });
  const both = [...listed, 'database/redis True 8 for Table.operator.example.org'];
  await vi.waitFor(async () => expect(await entriesOf(namespace)).toEqual(both), waitOptions);
});
