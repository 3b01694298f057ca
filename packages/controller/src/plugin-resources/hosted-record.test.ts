import { type ClusterObject, ownDefinition, startTimeout, TestCluster } from '@kplug/testing/control-plane';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import type { HostedPlugin } from '../registry/hosted.ts';
import { Registry } from '../registry/registry.ts';
import { Reservations } from '../registry/reservations.ts';
import { ManualClock, registrationOf } from '../registry/testing.ts';
import { FollowedCluster, soon } from '../resources/kubernetes/testing.ts';
import { PluginResourceWriter } from './plugin-resource-writer.ts';

let cluster: TestCluster;

beforeAll(async () => {
  cluster = await TestCluster.connect();
  await cluster.define(await ownDefinition('plugin'));
}, startTimeout);

afterAll(() => cluster?.close());

interface Condition {
  type: string;
  status: string;
  reason: string;
}

const broken: HostedPlugin = {
  name: 'Post greSQL.py',
  state: 'failing',
  message: 'exited: exit code 7; last output: no database | giving up',
  summary: 'exited: exit code 7',
  plugin: undefined,
  version: undefined,
  instanceId: undefined,
  pid: undefined,
  failures: 4,
  restarts: 4,
  lastExit: 'exit code 7',
  lastLines: ['no database', 'giving up'],
  since: 0,
  nextStartAt: undefined,
};

/** Opens a registry in a namespace, with hosted plugins and a writer of both. */
async function open(namespace: string) {
  const { resources } = await FollowedCluster.open({ kubeConfig: cluster.kubeConfig, namespace });
  const registry = new Registry({ clock: new ManualClock() });
  let hosted: readonly HostedPlugin[] = [];
  const listeners = new Set<() => void>();
  const source = {
    list: () => hosted,
    subscribe: (listener: () => void) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
  const host = (...plugins: HostedPlugin[]) => {
    hosted = plugins;
    for (const listener of listeners) listener();
  };
  const quick = { settleTime: 10, refreshInterval: 50 };
  const { plugins } = resources.services;
  const writer = new PluginResourceWriter(registry, plugins, pino({ level: 'silent' }), quick, source);
  onTestFinished(() => writer.stop());
  await writer.start();
  return { registry, host, writer };
}

async function pluginsIn(namespace: string): Promise<ClusterObject[]> {
  const path = `/apis/plugins.kplug.dev/v1alpha1/namespaces/${namespace}/plugins`;
  return (await cluster.request<{ items: ClusterObject[] }>('GET', path)).items;
}

describe('the Plugin resource of a hosted plugin', () => {
  it('states why the plugin fails even before it registers, without its output, and is removed with it', async () => {
    const namespace = await cluster.namespace();
    const { host } = await open(namespace);
    host(broken);
    await vi.waitFor(async () => {
      const [plugin, ...others] = await pluginsIn(namespace);
      expect(others).toEqual([]);
      expect(plugin).toMatchObject({
        spec: { plugin: 'Post-greSQL.py', version: '0.0.0', source: 'folder' },
        status: {
          ready: 'False',
          conditions: [
            {
              type: 'Running',
              status: 'False',
              reason: 'Failing',
              message: 'Post greSQL.py is failing: exited: exit code 7',
            },
          ],
        },
      });
    }, soon);
    host();
    await vi.waitFor(async () => expect(await pluginsIn(namespace)).toEqual([]), soon);
  });

  it('is that of the plugin once it has registered, and its processes are not restored', async () => {
    const namespace = await cluster.namespace();
    const { registry, host, writer } = await open(namespace);
    host(broken);
    await vi.waitFor(async () => expect(await pluginsIn(namespace)).toHaveLength(1), soon);
    const { instanceId } = new Reservations().reserve(broken.name);
    registry.register(registrationOf({ instanceId }));
    host({ ...broken, state: 'live', message: '', summary: '', plugin: 'PostgreSQL', version: '1.0.0', instanceId });
    await vi.waitFor(async () => {
      const plugins = await pluginsIn(namespace);
      expect(plugins.map(({ metadata }) => metadata.name)).toEqual(['postgresql-1.0.0']);
      expect(plugins[0]).toMatchObject({ spec: { source: 'folder' }, status: { ready: 'True' } });
      const conditions = ((plugins[0]?.status as { conditions?: unknown } | undefined)?.conditions ??
        []) as Condition[];
      expect(conditions.map(({ type, status, reason }) => [type, status, reason])).toEqual([
        ['Accessible', 'True', 'Live'],
        ['Table', 'True', 'Implemented'],
        ['Running', 'True', 'Live'],
      ]);
    }, soon);
    await writer.stop();
    const next = await open(namespace);
    expect(next.registry.size).toBe(0);
  });
});
