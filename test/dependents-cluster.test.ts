import type { Dependent } from '@kplug/sdk';
import { KubernetesOperator } from '@kplug/testing/cluster';
import { definition, startTimeout, TestCluster } from '@kplug/testing/control-plane';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';

const waitOptions = { timeout: 20_000, interval: 20 };
const kinds = [
  { apiVersion: 'v1', kind: 'ConfigMap' },
  { apiVersion: 'apps/v1', kind: 'Deployment' },
];

let cluster: TestCluster;

beforeAll(async () => {
  cluster = await TestCluster.connect();
  await cluster.define(definition({ group: 'operator.example.org', kind: 'Table' }));
}, startTimeout);

afterAll(() => cluster?.close());

/** Returns a Deployment that leaves many fields to the API server's defaults. */
const deployment = (name: string, image: string) => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name, labels: { app: name } },
  spec: {
    selector: { matchLabels: { app: name } },
    template: { metadata: { labels: { app: name } }, spec: { containers: [{ name: 'main', image }] } },
  },
});

const settings = (data: Record<string, string>): Dependent => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: 'settings' },
  data,
});

it('waits for a resource of another client, and leaves it as it is', async () => {
  const namespace = await cluster.namespace();
  const configMap = { apiVersion: 'v1', kind: 'ConfigMap' };
  const operator = await KubernetesOperator.start(cluster, namespace, {
    delegation: { dependents: { kinds }, requirements: { kinds: [configMap] } },
  });
  await operator.plugin({
    name: 'Observer',
    reconcile: () => ({
      dependents: [{ manifest: { ...configMap, metadata: { name: 'plan' } }, policy: 'Observe' }, settings({ a: 'b' })],
    }),
  });
  const table = await cluster.apply(operator.object('Table', 'users', {}));
  await operator.expectCondition('users', 'Ready', { reason: 'DependentsNotReady' });
  const plan = { ...configMap, metadata: { name: 'plan', namespace } };
  const made = await cluster.apply({ ...plan, data: { size: '3' } });
  await operator.expectReady('users', 'Observer');
  await cluster.delete(table);
  await vi.waitFor(async () => expect(await cluster.get(table)).toBeUndefined(), waitOptions);
  expect((await cluster.get(plan))?.metadata).toEqual(made.metadata);
});

it('calls a plugin once more, and not again, for what the API server stores in another form than it was applied in', async () => {
  const namespace = await cluster.namespace();
  const operator = await KubernetesOperator.start(cluster, namespace, {
    delegation: { dependents: { kinds: [{ apiVersion: 'v1', kind: 'Secret', allowPrivileged: true }, ...kinds] } },
  });
  const server = deployment('server', 'a:1');
  const [container = {}] = server.spec.template.spec.containers as { resources?: object }[];
  container.resources = { requests: { cpu: '1000m' } };
  let calls = 0;
  await operator.plugin({
    name: 'Keeper',
    reconcile: ({ dependents }) => {
      calls += 1;
      const secret = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'login' }, stringData: { user: 'app' } };
      const stored = (dependents.get('Secret', 'login') as { data?: Record<string, string> } | undefined)?.data;
      return { dependents: [secret, { manifest: server, readyWhen: 'true' }], ...(stored && { status: { stored } }) };
    },
  });
  await cluster.apply(operator.object('Table', 'users', {}));
  await operator.expectReady('users', 'Keeper');
  expect((await cluster.get(operator.object('Table', 'users')))?.status).toMatchObject({ stored: { user: 'YXBw' } });
  await operator.controller.whenIdle();
  expect(calls).toBe(2);
});

it('applies the dependents of a plugin on a cluster, writes them once, and corrects changes', async () => {
  const namespace = await cluster.namespace();
  const operator = await KubernetesOperator.start(cluster, namespace, { delegation: { dependents: { kinds } } });
  const replicas: unknown[] = [];
  await operator.plugin({
    name: 'Keeper',
    reconcile: ({ base, dependents }) => {
      const { image, data } = base.spec as { image: string; data?: Record<string, string> };
      const { status } = dependents.get('Deployment', 'server') ?? {};
      replicas.push((status as { replicas?: number } | undefined)?.replicas);
      // No controller of this cluster makes a Deployment ready.
      const server = { manifest: deployment('server', image), readyWhen: 'true' };
      return { dependents: [server, ...(data ? [settings(data)] : [])], requeueAfter: 50 };
    },
  });
  const server = { ...operator.object('Deployment', 'server'), apiVersion: 'apps/v1' };
  const map = { ...operator.object('ConfigMap', 'settings'), apiVersion: 'v1' };
  const table = await cluster.apply(
    operator.object('Table', 'users', { image: 'a:1', data: { colour: 'red', size: 'xl' } }),
  );
  await operator.expectReady('users', 'Keeper');
  expect((await cluster.get(server))?.metadata).toMatchObject({
    labels: { app: 'server' },
    ownerReferences: [{ kind: 'Table', name: 'users', uid: table.metadata.uid, controller: true }],
  });
  const { metadata } = (await cluster.get(server)) ?? {};
  const passes = replicas.length;
  await vi.waitFor(() => expect(replicas.length).toBeGreaterThan(passes + 5), waitOptions);
  expect((await cluster.get(server))?.metadata.resourceVersion).toBe(metadata?.resourceVersion);

  // Removed fields are removed, fields of others stay, and changes by others are corrected.
  await cluster.edit(map, { data: { theirs: 'stays', size: 'xs' } });
  await vi.waitFor(async () => {
    expect((await cluster.get(map))?.data).toEqual({ colour: 'red', size: 'xl', theirs: 'stays' });
  }, waitOptions);
  await cluster.apply(operator.object('Table', 'users', { image: 'a:2', data: { colour: 'blue' } }));
  await vi.waitFor(async () => {
    expect((await cluster.get(map))?.data).toEqual({ colour: 'blue', theirs: 'stays' });
    const { spec } = (await cluster.get(server)) as unknown as {
      spec: { template: { spec: { containers: object[] } } };
    };
    expect(spec.template.spec.containers).toMatchObject([{ image: 'a:2' }]);
  }, waitOptions);

  await cluster.edit(server, { status: { replicas: 3 } }, 'status');
  await vi.waitFor(() => expect(replicas.at(-1)).toBe(3), waitOptions);
  await cluster.apply(operator.object('Table', 'users', { image: 'a:2' }));
  await vi.waitFor(async () => {
    expect(await cluster.get(map)).toBeUndefined();
    // The status is written after the dependents.
    expect((await operator.stored('Table', 'users'))?.status?.dependents).toMatchObject([
      { apiVersion: 'apps/v1', kind: 'Deployment', name: 'server', plugin: 'Keeper', ready: true },
    ]);
  }, waitOptions);
});
