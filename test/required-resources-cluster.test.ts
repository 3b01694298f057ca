import type { Required, Requirement } from '@kplug/sdk';
import { KubernetesOperator, uniqueGroup } from '@kplug/testing/cluster';
import { type ClusterObject, definition, FaultProxy, startTimeout, TestCluster } from '@kplug/testing/control-plane';
import { afterAll, beforeAll, expect, it, onTestFinished, vi } from 'vitest';

const waitOptions = { timeout: 20_000, interval: 20 };
const hour = 3_600_000;
const group = 'operator.example.org';
const core = 'v1';
const clusterRole = { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'ClusterRole' };

type Kinds = { apiVersion: string; kind: string; namespaces?: string[] }[];

let cluster: TestCluster;

beforeAll(async () => {
  cluster = await TestCluster.connect();
  await cluster.define(definition({ group, kind: 'Table' }));
}, startTimeout);

afterAll(() => cluster?.close());

function delegationOf(kinds: Kinds) {
  return { resync: hour, backOff: { initial: 20, max: 200 }, requirements: { kinds } };
}

/** Serves a plugin that requires the same in each answer. Returns what each of its calls brought, as `requirement: names`. */
async function serve(operator: KubernetesOperator, require: Record<string, Requirement>) {
  const calls: string[] = [];
  const plugin = await operator.plugin({
    name: 'Careful',
    reconcile: ({ required }) => {
      calls.push(describe(required, Object.keys(require)));
      return { require };
    },
  });
  return {
    plugin,
    calls,
    expectLast: (text: string) => vi.waitFor(() => expect(calls.at(-1)).toBe(text), waitOptions),
    /** Waits for a number of calls, and that no more follow. */
    expectCalls: async (count: number) => {
      await vi.waitFor(() => expect(calls).toHaveLength(count), waitOptions);
      await operator.controller.whenIdle();
      expect(calls).toHaveLength(count);
    },
  };
}

function describe(required: Required, names: readonly string[]): string {
  const given = names.filter((name) => required.has(name));
  return given.map((name) => `${name}: ${required.all(name).map((one) => one.metadata.name)}`).join('; ');
}

function object(apiVersion: string, kind: string, name: string, more: object = {}): ClusterObject {
  const { metadata, ...fields } = { metadata: {}, ...more };
  return { apiVersion, kind, metadata: { name, ...metadata }, ...fields };
}

it('sends Secrets and ConfigMaps that the plugin requires, and calls once for each change of them', async () => {
  const namespace = await cluster.namespace();
  const kinds = ['Secret', 'ConfigMap'].map((kind) => ({ apiVersion: core, kind }));
  const operator = await KubernetesOperator.start(cluster, namespace, { delegation: delegationOf(kinds) });
  const { calls, expectCalls } = await serve(operator, {
    admin: { apiVersion: core, kind: 'Secret', name: 'admin' },
    maps: { apiVersion: core, kind: 'ConfigMap', labels: { part: 'settings' } },
  });
  await cluster.apply(operator.object('Table', 'users'));
  await operator.expectReady('users', 'Careful');
  await expectCalls(2);
  expect(calls).toEqual(['', 'admin: ; maps: ']);

  const admin = object(core, 'Secret', 'admin', { metadata: { namespace }, stringData: { password: 'one' } });
  await cluster.apply(admin);
  await expectCalls(3);
  await cluster.edit(admin, { stringData: { password: 'two' } });
  await expectCalls(4);
  const map = (name: string, part: string) =>
    object(core, 'ConfigMap', name, { metadata: { namespace, labels: { part } }, data: {} });
  await cluster.apply(map('a', 'settings'));
  await expectCalls(5);
  await cluster.apply(map('b', 'other'));
  await cluster.apply(object(core, 'Secret', 'other', { metadata: { namespace } }));
  await cluster.apply(map('b', 'settings'));
  await expectCalls(6);
  expect(calls.at(-1)).toBe('admin: admin; maps: a,b');
  await cluster.apply(map('a', 'other'));
  await expectCalls(7);
  await cluster.delete(admin);
  await expectCalls(8);
  expect(calls.at(-1)).toBe('admin: ; maps: b');
});

it('sends resources of cluster-scoped kinds, and asks again after a restart of the operator', async () => {
  const namespace = await cluster.namespace();
  const delegation = delegationOf([clusterRole]);
  const name = `role-${namespace}`;
  const role = object(clusterRole.apiVersion, clusterRole.kind, name, { rules: [] });
  await cluster.apply(role);
  onTestFinished(() => cluster.delete(role));
  const require = { role: { ...clusterRole, name } };
  const first = await KubernetesOperator.start(cluster, namespace, { delegation });
  const before = await serve(first, require);
  await cluster.apply(first.object('Table', 'users'));
  await first.expectReady('users', 'Careful');
  await before.expectCalls(2);
  expect(before.calls).toEqual(['', `role: ${name}`]);
  await cluster.edit(role, { metadata: { labels: { time: 'second' } } });
  await before.expectCalls(3);
  await first.controller.stop();
  await before.plugin.stop();

  const second = await KubernetesOperator.start(cluster, namespace, { delegation });
  const after = await serve(second, require);
  await after.expectCalls(2);
  expect(after.calls).toEqual(['', `role: ${name}`]);
  await cluster.edit(role, { metadata: { labels: { time: 'third' } } });
  await after.expectCalls(3);
});

it('refuses a namespace for a cluster-scoped kind, and one that the operator does not follow', async () => {
  const namespace = await cluster.namespace();
  const other = await cluster.namespace();
  const kinds: Kinds = [
    { ...clusterRole, namespaces: ['*'] },
    { apiVersion: core, kind: 'ConfigMap', namespaces: ['*'] },
  ];
  const operator = await KubernetesOperator.start(cluster, namespace, { delegation: delegationOf(kinds) });
  let require: Record<string, Requirement> = { role: { ...clusterRole, name: 'admin', namespace: other } };
  await operator.plugin({ name: 'Careful', reconcile: () => ({ require }) });
  await cluster.apply(operator.object('Table', 'users'));
  const message = expect.stringContaining('of a cluster-scoped kind; leave out the namespace') as string;
  await operator.expectCondition('users', 'Ready', { status: 'False', reason: 'InvalidResponse', message });

  require = { map: { apiVersion: core, kind: 'ConfigMap', name: 'map', namespace: other } };
  const unfollowed = expect.stringContaining(`the operator doesn't follow the namespace ${other}`) as string;
  await operator.expectCondition('users', 'Ready', { reason: 'RequirementForbidden', message: unfollowed });
});

it('sends resources of other namespaces that the delegation permits and the operator follows', async () => {
  const namespace = await cluster.namespace();
  const shared = await cluster.namespace();
  const operator = await KubernetesOperator.start(cluster, namespace, {
    namespaces: [shared],
    delegation: delegationOf([{ apiVersion: core, kind: 'ConfigMap', namespaces: [shared] }]),
  });
  const { expectLast } = await serve(operator, {
    map: { apiVersion: core, kind: 'ConfigMap', name: 'map', namespace: shared },
  });
  await cluster.apply(operator.object('Table', 'users'));
  await expectLast('map: ');
  await cluster.apply(object(core, 'ConfigMap', 'map', { metadata: { namespace: shared } }));
  await expectLast('map: map');
});

it('says that resources of an unknown kind are missing, until the kind is defined', async () => {
  const namespace = await cluster.namespace();
  const late = { apiVersion: `${uniqueGroup()}/v1`, kind: 'Late' };
  const operator = await KubernetesOperator.start(cluster, namespace, { delegation: delegationOf([late]) });
  const { expectLast } = await serve(operator, { late: { ...late, name: 'one' } });
  await cluster.apply(operator.object('Table', 'users'));
  await expectLast('late: ');
  const defined = definition({ group: late.apiVersion.replace('/v1', ''), kind: late.kind });
  await cluster.define(defined);
  onTestFinished(() => cluster.delete(defined));
  await cluster.apply(object(late.apiVersion, late.kind, 'one', { metadata: { namespace }, spec: {} }));
  await expectLast('late: one');
}, 60_000);

it('calls when a cluster-scoped kind is defined later, although its scope was unknown', async () => {
  const namespace = await cluster.namespace();
  const lateGroup = uniqueGroup();
  const late = { apiVersion: `${lateGroup}/v1`, kind: 'Late' };
  const operator = await KubernetesOperator.start(cluster, namespace, { delegation: delegationOf([late]) });
  const { expectLast } = await serve(operator, { late: { ...late, name: 'one' } });
  await cluster.apply(operator.object('Table', 'users'));
  await expectLast('late: ');
  const { spec, ...defined } = definition({ group: lateGroup, kind: late.kind });
  const clusterScoped = { ...defined, spec: { ...(spec as object), scope: 'Cluster' } };
  await cluster.define(clusterScoped);
  onTestFinished(() => cluster.delete(clusterScoped));
  const one = object(late.apiVersion, late.kind, 'one', { spec: {} });
  await cluster.apply(one);
  await expectLast('late: one');
}, 60_000);

it('does not say that resources are missing which it may not read, and names the right', async () => {
  const namespace = await cluster.namespace();
  const user = `operator-${namespace}`;
  const rules = [
    { apiGroups: [group], resources: ['tables'], verbs: ['list', 'watch', 'patch'] },
    { apiGroups: [group], resources: ['tables/status'], verbs: ['patch'] },
  ];
  await cluster.grant(user, namespace, rules);
  const proxy = await FaultProxy.open(cluster.kubeConfig);
  onTestFinished(() => proxy.close());
  const delegation = delegationOf([{ apiVersion: core, kind: 'Secret' }]);
  const operator = await KubernetesOperator.start(cluster, namespace, {
    kubeConfig: proxy.kubeConfig(user),
    delegation,
  });
  const { calls, expectLast } = await serve(operator, { admin: { apiVersion: core, kind: 'Secret', name: 'admin' } });
  const admin = object(core, 'Secret', 'admin', { metadata: { namespace } });
  await cluster.apply(admin);
  await cluster.apply(operator.object('Table', 'users'));
  await operator.expectCondition('users', 'Ready', {
    status: 'False',
    reason: 'StorageFailed',
    message: expect.stringContaining('resources: ["secrets"], verbs: ["list", "watch"]') as string,
  });
  expect(calls.filter((brought) => brought !== '')).toEqual([]);
  const onSecrets = { apiGroups: [''], resources: ['secrets'], verbs: ['list', 'watch'] };
  await cluster.grant(user, namespace, [...rules, onSecrets]);
  await expectLast('admin: admin');
  await operator.expectReady('users', 'Careful');
}, 60_000);
