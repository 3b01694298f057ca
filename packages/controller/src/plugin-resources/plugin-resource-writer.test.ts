import { type ClusterObject, ownDefinition, startTimeout, TestCluster } from '@kplug/testing/control-plane';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { KplugError } from '../errors.ts';
import { Registry } from '../registry/registry.ts';
import { ManualClock, registrationOf } from '../registry/testing.ts';
import type { PluginStore } from '../resources/cluster-services.ts';
import { FollowedCluster, soon } from '../resources/kubernetes/testing.ts';
import { type PluginResourceOptions, PluginResourceWriter } from './plugin-resource-writer.ts';
import { PodObserver } from './pod-observer.ts';

const quick = { settleTime: 10, refreshInterval: 50 };

let cluster: TestCluster;

beforeAll(async () => {
  cluster = await TestCluster.connect();
  await cluster.define(await ownDefinition('plugin'));
}, startTimeout);

afterAll(() => cluster?.close());

/** Opens a registry in a namespace, and its writer. */
async function open(namespace: string, options: PluginResourceOptions = quick, allowInsecure = false) {
  const followed = await FollowedCluster.open({ kubeConfig: cluster.kubeConfig, namespace });
  const { services } = followed.resources;
  const clock = new ManualClock();
  const registry = new Registry({ clock, allowInsecure });
  const log: string[] = [];
  const logger = pino({}, { write: (line: string) => void log.push(JSON.parse(line).msg) });
  const writer = new PluginResourceWriter(registry, services.plugins, logger, options);
  onTestFinished(() => writer.stop());
  return { registry, clock, writer, services, requests: followed.requests, log };
}

const pluginOf = (namespace: string, name = 'postgresql-1.0.0') => ({
  apiVersion: 'plugins.kplug.dev/v1alpha1',
  kind: 'Plugin',
  metadata: { namespace, name },
});

async function conditionsOf(namespace: string, name?: string) {
  const { status } = (await cluster.get(pluginOf(namespace, name))) ?? {};
  const conditions = (status?.conditions ?? []) as { type: string; status: string; reason: string }[];
  return conditions.map(({ type, status: holds, reason }) => `${type} ${holds} ${reason}`);
}

describe('the Plugin resource of a plugin', () => {
  it('describes the plugin, its APIs and its instances', async () => {
    const namespace = await cluster.namespace();
    const { registry, writer } = await open(namespace);
    await writer.start();
    registry.register(registrationOf({ pod: { namespace, name: 'postgresql-1' }, labels: { zone: 'a' } }));
    registry.register(registrationOf({ instanceId: 'two', address: '10.0.0.2:7000' }));
    registry.markSuspect('two', 'Unreachable', 'it is silent');
    await vi.waitFor(async () => {
      expect(await cluster.get(pluginOf(namespace))).toMatchObject({
        spec: {
          plugin: 'PostgreSQL',
          version: '1.0.0',
          apis: [{ name: 'Table', version: '1.0.0' }],
          source: 'heartbeat',
        },
        status: {
          observedGeneration: 1,
          ready: 'True',
          apis: 'Table@1.0.0',
          instanceCount: '1/2',
          instances: [
            { id: 'one', address: '10.0.0.1:7000', state: 'live', podName: 'postgresql-1', podNamespace: namespace },
            { id: 'two', address: '10.0.0.2:7000', state: 'suspect', reason: 'it is silent' },
          ],
        },
      });
    }, soon);
    expect(await conditionsOf(namespace)).toEqual(['Accessible True Live', 'Table True Implemented']);

    registry.evict('one', 'gone');
    registry.evict('two', 'gone');
    await vi.waitFor(async () => {
      expect(await conditionsOf(namespace)).toEqual(['Accessible False NoInstance', 'Table False NoInstance']);
    }, soon);
    expect((await cluster.get(pluginOf(namespace)))?.status).toMatchObject({ ready: 'False', instanceCount: '0/0' });
  });

  it('names the capabilities of all its instances', async () => {
    const namespace = await cluster.namespace();
    const { registry, writer } = await open(namespace);
    await writer.start();
    const [api] = registrationOf().apis;
    const provider = (instanceId: string, versions: string[]) => {
      const postgresql = { category: 'database', type: 'postgresql', versions };
      const apis = api ? [{ ...api, provides: [postgresql] }] : [];
      return registrationOf({ instanceId, address: `10.0.0.1:${7000 + versions.length}`, apis });
    };
    registry.register(provider('one', ['16', '17']));
    registry.register(provider('two', ['17', '18', '19']));
    const text = 'database/postgresql 16, 17, 18, 19';
    await vi.waitFor(async () => {
      const conditions = expect.arrayContaining([
        expect.objectContaining({ type: 'CapabilitiesProvided', status: 'True', reason: 'Provided', message: text }),
      ]);
      expect((await cluster.get(pluginOf(namespace)))?.status).toMatchObject({ capabilities: text, conditions });
    }, soon);
    for (const id of ['one', 'two']) registry.markSuspect(id, 'Unreachable', 'it is silent');
    await vi.waitFor(async () => {
      expect(await conditionsOf(namespace)).toContain('CapabilitiesProvided False NoLiveInstance');
    }, soon);
  });

  it('is not written while nothing changes, and is created again after it was deleted', async () => {
    const namespace = await cluster.namespace();
    const { registry, writer, requests } = await open(namespace, { settleTime: 10, refreshInterval: 600_000 });
    await writer.start();
    registry.register(registrationOf());
    await vi.waitFor(async () => expect(await conditionsOf(namespace)).toHaveLength(2), soon);
    const writes = () => requests.filter(({ verb }) => verb === 'apply').length;
    // The effect of a write is visible before its response arrives.
    await vi.waitFor(() => expect(writes()).toBe(2), soon);
    for (let count = 0; count < 100; count++) registry.beat('one');
    await cluster.delete(pluginOf(namespace));
    expect(writes()).toBe(2);
    registry.markSuspect('one', 'Unreachable', 'it is silent');
    await vi.waitFor(
      async () => expect(await conditionsOf(namespace)).toContain('Accessible False NoLiveInstance'),
      soon,
    );
  });

  it('restores the instances of the former controller, as suspect until their next heartbeat', async () => {
    const namespace = await cluster.namespace();
    const first = await open(namespace);
    await first.writer.start();
    const registration = registrationOf({ weight: 7, labels: { zone: 'a' }, pod: { namespace, name: 'p' } });
    first.registry.register(registration);
    await first.writer.stop();

    const second = await open(namespace);
    await second.writer.start();
    expect(second.registry.get('one')).toMatchObject({ state: 'suspect', suspectReason: 'StreamBroken', registration });
    second.registry.register(registration);
    expect(second.registry.get('one')?.state).toBe('live');
  });

  it('restores the protocol of an instance, and ignores one that is no longer allowed', async () => {
    const namespace = await cluster.namespace();
    const first = await open(namespace, quick, true);
    await first.writer.start();
    first.registry.register(registrationOf({ protocol: 'kplug' }));
    await first.writer.stop();

    const allowing = await open(namespace, quick, true);
    await allowing.writer.start();
    expect(allowing.registry.get('one')?.registration.protocol).toBe('kplug');
    await allowing.writer.stop();
    const strict = await open(namespace);
    await strict.writer.start();
    expect(strict.registry.size).toBe(0);
  });

  it('removes a restored instance without heartbeats at the end of its lease', async () => {
    const namespace = await cluster.namespace();
    const first = await open(namespace);
    await first.writer.start();
    first.registry.register(registrationOf());
    await first.writer.stop();

    const second = await open(namespace);
    await second.writer.start();
    second.clock.advanceTo(15_000);
    expect(second.registry.get('one')).toBeUndefined();
  });

  it('is written again after failures, which are logged once', async () => {
    const namespace = await cluster.namespace();
    const { registry, services } = await open(namespace);
    const { plugins } = services;
    let failures = 0;
    const store: PluginStore = {
      load: () => plugins.load(),
      remove: (record) => plugins.remove(record),
      save: (record) => {
        if (failures === 3) return plugins.save(record);
        failures++;
        return Promise.reject(new KplugError('StorageFailed', 'no answer'));
      },
    };
    const log: string[] = [];
    const logger = pino({}, { write: (line: string) => void log.push(JSON.parse(line).msg) });
    const writer = new PluginResourceWriter(registry, store, logger, { settleTime: 10, refreshInterval: 600_000 });
    onTestFinished(() => writer.stop());
    await writer.start();
    registry.register(registrationOf());
    await vi.waitFor(async () => expect(await conditionsOf(namespace)).toHaveLength(2), soon);
    expect(failures).toBe(3);
    expect(log).toEqual(['no answer; retrying']);
  });

  it('is written when the controller stops before the settle time has passed', async () => {
    const namespace = await cluster.namespace();
    const { registry, writer } = await open(namespace, { settleTime: 600_000 });
    await writer.start();
    registry.register(registrationOf());
    await writer.stop();
    expect(await conditionsOf(namespace)).toEqual(['Accessible True Live', 'Table True Implemented']);
  });

  it('is removed when the plugin has been gone for the retention time', async () => {
    const namespace = await cluster.namespace();
    const { registry, writer } = await open(namespace, { ...quick, retention: 2_000 });
    await writer.start();
    registry.register(registrationOf({ plugin: 'My_Plugin', version: '1.0.0+build' }));
    registry.evict('one', 'gone');
    registry.register(registrationOf());
    await vi.waitFor(async () => expect(await conditionsOf(namespace)).toHaveLength(2), soon);
    await vi.waitFor(async () => {
      const path = `/apis/plugins.kplug.dev/v1alpha1/namespaces/${namespace}/plugins`;
      const { items } = await cluster.request<{ items: ClusterObject[] }>('GET', path);
      expect(items.map(({ metadata }) => metadata.name)).toEqual(['postgresql-1.0.0']);
    }, soon);
  });
});

describe('the pod of an instance', () => {
  async function running() {
    const namespace = await cluster.namespace();
    const { registry, services } = await open(namespace);
    const observer = new PodObserver(registry, services.pods);
    onTestFinished(() => observer.stop());
    const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { namespace, name: 'postgresql-1' } };
    const finalizers = ['example.org/wait'];
    const metadata = { ...pod.metadata, finalizers };
    await cluster.apply({ ...pod, metadata, spec: { containers: [{ name: 'plugin', image: 'none' }] } });
    onTestFinished(async () => {
      await cluster.edit(pod, { metadata: { finalizers: null } }).catch(() => undefined);
    });
    await observer.start();
    registry.register(registrationOf({ pod: { namespace, name: 'postgresql-1' } }));
    registry.register(registrationOf({ instanceId: 'elsewhere', address: '10.0.0.2:7000' }));
    return { registry, pod };
  }

  it('evicts its instance immediately when it fails', async () => {
    const { registry, pod } = await running();
    await cluster.edit(pod, { status: { phase: 'Failed' } }, 'status');
    await vi.waitFor(() => expect(registry.get('one')).toBeUndefined(), soon);
    expect(registry.get('elsewhere')?.state).toBe('live');
  });

  it('drains its instance when it is being deleted, and evicts it when it is gone', async () => {
    const { registry, pod } = await running();
    await cluster.delete(pod);
    await vi.waitFor(() => expect(registry.get('one')).toMatchObject({ state: 'draining' }), soon);
    expect(registry.get('one')?.stateReason).toContain('is being deleted');
    await cluster.edit(pod, { metadata: { finalizers: null } });
    await vi.waitFor(() => expect(registry.get('one')).toBeUndefined(), soon);
    expect(registry.get('elsewhere')?.state).toBe('live');
  });

  it('drains an instance that registers while its pod is being deleted', async () => {
    const { registry, pod } = await running();
    await cluster.delete(pod);
    await vi.waitFor(() => expect(registry.get('one')?.state).toBe('draining'), soon);
    registry.evict('one', 'for the test');
    registry.register(registrationOf({ pod: { namespace: pod.metadata.namespace, name: 'postgresql-1' } }));
    await vi.waitFor(() => expect(registry.get('one')?.state).toBe('draining'), soon);
  });
});
