import * as grpc from '@grpc/grpc-js';
import { createGrpcClient, RegistryService } from '@kplug/protocol';
import { KubernetesOperator, waitOptions } from '@kplug/testing/cluster';
import { definition, ownDefinition, type StoredObject, startTimeout, TestCluster } from '@kplug/testing/control-plane';
import { afterAll, beforeAll, expect, it, onTestFinished, vi } from 'vitest';
import { owner } from './owner.fixture.ts';

let cluster: TestCluster;

beforeAll(async () => {
  cluster = await TestCluster.connect();
  await cluster.define(definition({ group: 'operator.example.org', kind: 'Table' }));
  await cluster.define(await ownDefinition('provided-capability'));
}, startTimeout);

afterAll(() => cluster?.close());

const numbers = (count: number) => Array.from({ length: count }, (_, index) => index);

/** Starts an operator with an honest plugin, and returns a function by which another one registers what it provides. */
async function start() {
  const namespace = await cluster.namespace();
  const operator = await KubernetesOperator.start(cluster, namespace, {
    delegation: { capability: {} },
    controller: { catalogue: { settleTime: 10 } },
  });
  const provides = [{ category: 'database', type: 'postgresql', versions: ['17'] }];
  const honest = await operator.plugin({ name: 'Honest', api: { name: 'Table', version: '1.0.0', provides } });
  const { heartbeatAddress } = operator.controller;
  const client = createGrpcClient(RegistryService, heartbeatAddress, grpc.credentials.createInsecure());
  onTestFinished(() => client.$client.close());
  const provide = async (offers: readonly { category?: string; type: string; versions: string[] }[]) => {
    const offered = offers.map((offer) => ({ category: 'hostile', ...offer }));
    const apis = [{ name: 'Table', version: '1.0.0', provides: offered }];
    const named = { plugin: 'Hostile', version: '1.0.0', instanceId: 'hostile', address: '127.0.0.1:9' };
    const { answer } = await client.heartbeat({ registration: { ...named, apis } }, { metadata: owner });
    return answer.case;
  };
  const entries = async () => {
    const path = `/apis/catalogue.kplug.dev/v1alpha1/providedcapabilities?labelSelector=catalogue.kplug.dev/operator=${namespace}`;
    return (await cluster.request<{ items: StoredObject[] }>('GET', path)).items;
  };
  /** Number of writes of each entry: an entry has no status of its own, so that each write that changes it is a generation. */
  const writes = async () => (await entries()).map(({ metadata }) => Number(metadata.generation));
  const expectHonest = () =>
    vi.waitFor(async () => {
      const listed = (await entries()).find(({ spec }) => (spec as { category: string }).category === 'database');
      expect(listed?.status).toMatchObject({ available: 'True', versions: '17', plugins: 'Honest 1.0.0' });
    }, waitOptions);
  await expectHonest();
  return { honest, provide, entries, writes, expectHonest };
}

// Without a shortest interval between writes of an entry, each change of a plugin is one write for each of its capabilities.
it('a plugin that changes what it provides hundreds of times causes few writes', async () => {
  const { honest, provide, entries, writes, expectHonest } = await start();
  const types = numbers(20).map((index) => `type-${index}`);
  for (const round of numbers(300)) await provide(types.map((type) => ({ type, versions: [`${round % 2}`] })));
  await vi.waitFor(async () => expect(await entries()).toHaveLength(21), waitOptions);
  expect(Math.max(...(await writes()))).toBeLessThanOrEqual(2);
  expect(honest.registered).toBe(true);
  await expectHonest();
});

// Without a bound on what an entry lists, and one on its texts, an entry exceeds what the API server stores.
it('a plugin that provides as much as it may is listed within the bounds of an entry', async () => {
  const { provide, entries, expectHonest } = await start();
  const versions = numbers(64).map((index) => `${index}.${'x'.repeat(50)}`);
  expect(await provide([{ type: 'wide', versions }])).toBe('lease');
  await vi.waitFor(async () => expect(await entries()).toHaveLength(2), waitOptions);
  const wide = (await entries()).find(({ spec }) => (spec as { type: string }).type === 'wide');
  expect(String(wide?.status?.versions).length).toBeLessThanOrEqual(512);
  expect(wide?.status?.providers).toMatchObject([{ versions: { length: 64 } }]);
  await expectHonest();
});

// Without a digest in such names, both capabilities have one entry, and each write of one replaces the other.
it('a plugin does not take the entry of another capability by a similar name', async () => {
  const { provide, entries, expectHonest } = await start();
  const categories = ['data-base', 'data.base', 'data_base', 'Data.Base2'];
  await provide(categories.map((category) => ({ category, type: 'postgresql', versions: ['99'] })));
  await vi.waitFor(async () => {
    const listed = (await entries()).map(({ spec }) => (spec as { category: string }).category);
    expect(listed.toSorted()).toEqual([...categories, 'database'].toSorted());
  }, waitOptions);
  await expectHonest();
});
