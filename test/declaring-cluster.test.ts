import type { ConditionRead } from '@kplug/testing';
import { KubernetesOperator } from '@kplug/testing/cluster';
import {
  type ClusterObject,
  definition,
  FaultProxy,
  ownDefinition,
  type StoredObject,
  startTimeout,
  TestCluster,
} from '@kplug/testing/control-plane';
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';

const apiVersion = 'delegations.kplug.dev/v1alpha1';
const group = 'operator.example.org';
const waitOptions = { timeout: 20_000, interval: 20 };
let cluster: TestCluster;
let namespace: string;

beforeAll(async () => {
  cluster = await TestCluster.connect();
  await cluster.define(await ownDefinition('delegation'));
  for (const kind of ['Table', 'PgOption']) await cluster.define(definition({ group, kind }));
}, startTimeout);

afterAll(() => cluster?.close());

beforeEach(async () => {
  namespace = await cluster.namespace();
});

/** Returns a `Delegation` of the operator with the name of the namespace. */
function delegation(spec: object = {}, name = namespace): ClusterObject {
  const base = { apiVersion: `${group}/v1`, kind: 'Table' };
  return {
    apiVersion,
    kind: 'Delegation',
    metadata: { name, labels: { 'kplug.dev/operator': namespace } },
    spec: { base, api: 'Table@^1.0.0', namespaces: [namespace], ...spec },
  };
}

async function declare(declared: ClusterObject): Promise<StoredObject> {
  const stored = await cluster.apply(declared);
  onTestFinished(async () => {
    await cluster.edit(declared, { metadata: { finalizers: null } }).catch(() => undefined);
    await cluster.delete(declared);
  });
  return stored;
}

function start(options: Parameters<typeof KubernetesOperator.start>[2] = {}): Promise<KubernetesOperator> {
  const controller = { delegations: [], followDelegations: { operator: namespace } };
  return KubernetesOperator.start(cluster, namespace, { ...options, controller });
}

async function expectConditions(expected: Record<string, string>, name = namespace): Promise<Map<string, string>> {
  return vi.waitFor(async () => {
    const { status } = (await cluster.get(delegation({}, name))) ?? {};
    const conditions = (status?.conditions ?? []) as ConditionRead[];
    expect(
      Object.fromEntries(conditions.map(({ type, status: is, reason }) => [type, `${is} ${reason}`])),
    ).toMatchObject(expected);
    return new Map(conditions.map(({ type, message }) => [type, message]));
  }, waitOptions);
}

describe('a Delegation on a cluster', () => {
  it('delegates from its creation to its deletion, and reports its state', async () => {
    const operator = await start();
    await operator.plugin({ name: 'PostgreSQL' });
    await cluster.apply(operator.object('Table', 'users'));
    await declare(delegation());
    const table = await operator.expectReady('users', 'PostgreSQL');
    expect(table.metadata.finalizers).toEqual([`kplug.dev/${namespace}`]);
    await expectConditions({ Ready: 'True Delegating', Permitted: 'True Permitted' });
    await vi.waitFor(async () => {
      const counts = { ready: 'True', resources: 1, readyResources: 1, resourceCount: '1/1', plugins: 1 };
      expect((await cluster.get(delegation()))?.status).toMatchObject({ ...counts, observedGeneration: 1 });
    }, waitOptions);

    await cluster.delete(delegation());
    await vi.waitFor(async () => expect(await cluster.get(delegation())).toBeUndefined(), waitOptions);
    const released = await operator.stored('Table', 'users');
    expect(released?.metadata).not.toHaveProperty('finalizers');
    expect(released?.status ?? {}).toEqual({});
  });

  it('waits for its kind, and starts when the kind exists', async () => {
    const operator = await start();
    await operator.plugin({ name: 'PostgreSQL' });
    const late = { group: `${namespace}.example.org`, kind: 'Late' };
    const base = { apiVersion: `${late.group}/v1`, kind: 'Late' };
    await declare(delegation({ base }));
    await expectConditions({ Accepted: 'True Accepted', KindFound: 'False KindNotFound', Ready: 'False KindNotFound' });
    await cluster.define(definition(late));
    onTestFinished(() => cluster.delete(definition(late)));
    await expectConditions({ KindFound: 'True Found', Ready: 'True Delegating' });
    const object = { ...base, metadata: { name: 'one', namespace }, spec: {} };
    await cluster.apply(object);
    await vi.waitFor(async () => {
      expect((await cluster.get(object))?.status).toMatchObject({ implementation: 'PostgreSQL' });
    }, waitOptions);
  });

  it('reports missing rules, and starts when they exist', async () => {
    const user = `operator-${namespace}`;
    const rbac = 'rbac.authorization.k8s.io';
    const subjects = [{ apiGroup: rbac, kind: 'User', name: user }];
    const allow = async (rules: object[]) => {
      const role = { apiVersion: `${rbac}/v1`, kind: 'ClusterRole', metadata: { name: user } };
      const binding = { ...role, kind: 'ClusterRoleBinding' };
      await cluster.apply({ ...role, rules });
      await cluster.apply({ ...binding, roleRef: { apiGroup: rbac, kind: 'ClusterRole', name: user }, subjects });
      onTestFinished(async () => {
        await cluster.delete(binding);
        await cluster.delete(role);
      });
    };
    const onDelegations = {
      apiGroups: ['delegations.kplug.dev'],
      resources: ['delegations', 'delegations/status'],
      verbs: ['list', 'watch', 'patch'],
    };
    await allow([onDelegations]);
    const proxy = await FaultProxy.open(cluster.kubeConfig);
    onTestFinished(() => proxy.close());
    const operator = await start({ kubeConfig: proxy.kubeConfig(user) });
    await operator.plugin({ name: 'PostgreSQL' });
    await cluster.apply(operator.object('Table', 'users'));
    await declare(delegation());
    const unread = await expectConditions({ Permitted: 'False Forbidden', Ready: 'False Forbidden' });
    expect(unread.get('Permitted')).toContain(`the operator may not list and watch tables.${group}`);

    const onTables = { apiGroups: [group], resources: ['tables'], verbs: ['list', 'watch'] };
    await allow([onDelegations, onTables]);
    await vi.waitFor(async () => {
      const messages = await expectConditions({ Permitted: 'False Forbidden' });
      expect(messages.get('Permitted')).toContain(`may not patch tables.${group}`);
      expect(messages.get('Permitted')).toContain(`may not patch tables/status.${group}`);
    }, waitOptions);

    await allow([
      onDelegations,
      onTables,
      { apiGroups: [group], resources: ['tables', 'tables/status'], verbs: ['patch'] },
    ]);
    await operator.expectReady('users', 'PostgreSQL');
    await expectConditions({ Permitted: 'True Permitted', Ready: 'True Delegating' });
  }, 60_000);

  it('is ignored by operators that its label does not name', async () => {
    const operator = await start();
    await operator.plugin({ name: 'PostgreSQL' });
    await cluster.apply(operator.object('Table', 'users'));
    const other = delegation();
    await declare({ ...other, metadata: { ...other.metadata, labels: { 'kplug.dev/operator': 'another' } } });
    await declare(delegation({ base: { apiVersion: `${group}/v1`, kind: 'PgOption' } }, `${namespace}-own`));
    await expectConditions({ Accepted: 'True Accepted' }, `${namespace}-own`);
    expect(await cluster.get(other)).not.toHaveProperty('status');

    await cluster.edit(other, { metadata: { labels: { 'kplug.dev/operator': namespace } } });
    await operator.expectReady('users', 'PostgreSQL');
    await cluster.edit(other, { metadata: { labels: { 'kplug.dev/operator': 'another' } } });
    await vi.waitFor(async () => {
      expect((await operator.stored('Table', 'users'))?.status ?? {}).toEqual({});
      expect((await cluster.get(other))?.metadata).not.toHaveProperty('finalizers');
    }, waitOptions);
  });
});

it.each([
  ['no API', { api: undefined }, /spec\.api: Required value/],
  ['an invalid kind', { base: { apiVersion: 'v1', kind: 'no kind' } }, /spec\.base\.kind/],
  ['an unknown field', { fallback: 'any' }, /unknown field .*spec\.fallback/],
  ['a malformed duration', { deadline: 'soon' }, /spec\.deadline: .*must be milliseconds, or a duration/],
  ['a duration of zero', { deadline: 0 }, /spec\.deadline: .*must be milliseconds, or a duration/],
  [
    'contradictory fallbacks',
    { selection: { fallback: 'none', fallbackOrder: ['A'] } },
    /spec\.selection: .*contradict each other/,
  ],
])('a Delegation with %s is refused by the API server', async (_, spec, message) => {
  const path = `/apis/${apiVersion}/delegations?fieldValidation=Strict&dryRun=All`;
  await expect(cluster.request('POST', path, delegation())).resolves.toBeDefined();
  await expect(cluster.request('POST', path, delegation(spec))).rejects.toThrow(message);
});
