import type { Dependent, RuledDependent } from '@kplug/sdk';
import { KubernetesOperator } from '@kplug/testing/cluster';
import { definition, startTimeout, TestCluster } from '@kplug/testing/control-plane';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';

const waitOptions = { timeout: 20_000, interval: 20 };
const kinds = [
  { apiVersion: 'v1', kind: 'ConfigMap' },
  { apiVersion: 'apps/v1', kind: 'StatefulSet' },
];

let cluster: TestCluster;

beforeAll(async () => {
  cluster = await TestCluster.connect();
  await cluster.define(definition({ group: 'operator.example.org', kind: 'Table' }));
}, startTimeout);

afterAll(() => cluster?.close());

const set = (name: string, serviceName: string): Dependent => ({
  apiVersion: 'apps/v1',
  kind: 'StatefulSet',
  metadata: { name },
  spec: {
    serviceName,
    selector: { matchLabels: { app: name } },
    template: { metadata: { labels: { app: name } }, spec: { containers: [{ name: 'main', image: 'a:1' }] } },
  },
});

const map = (name: string, data: Record<string, string> = {}): Dependent => {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data };
};

interface Spec {
  service?: string;
  recreate?: boolean;
  maps?: number;
}

/** Starts an operator whose plugin requests dependents by the spec of each table. */
async function start(dependentsOf: (spec: Spec) => (Dependent | RuledDependent)[]) {
  const namespace = await cluster.namespace();
  const operator = await KubernetesOperator.start(cluster, namespace, { delegation: { dependents: { kinds } } });
  let calls = 0;
  await operator.plugin({
    name: 'Keeper',
    reconcile: ({ base }) => {
      calls += 1;
      return { dependents: dependentsOf((base.spec ?? {}) as Spec) };
    },
  });
  return {
    operator,
    calls: () => calls,
    apply: (spec: Spec, name = 'users') => cluster.apply(operator.object('Table', name, { ...spec })),
    eventsOf: async (name: string) => {
      const { items } = await cluster.request<{
        items: { regarding: { name: string }; reason: string; note: string }[];
      }>('GET', `/apis/events.k8s.io/v1/namespaces/${namespace}/events`);
      return items.filter(({ regarding }) => regarding.name === name).map(({ reason, note }) => `${reason}: ${note}`);
    },
    find: (kind: 'ConfigMap' | 'StatefulSet', name: string) => {
      const apiVersion = kind === 'ConfigMap' ? 'v1' : 'apps/v1';
      return cluster.get({ ...operator.object(kind, name), apiVersion });
    },
    setReady: async () => {
      const status = { observedGeneration: 1, replicas: 1, readyReplicas: 1, currentReplicas: 1, updatedReplicas: 1 };
      const object = { ...operator.object('StatefulSet', 'db'), apiVersion: 'apps/v1' };
      const revisions = { currentRevision: 'a', updateRevision: 'a' };
      await vi.waitFor(() => cluster.edit(object, { status: { ...status, ...revisions } }, 'status'), waitOptions);
    },
  };
}

it('applies dependents in order on a cluster, with few calls, and removes them in reverse order', async () => {
  const names = (maps = 0) => Array.from({ length: maps }, (_, index) => `part-${index}`);
  const { operator, calls, apply, find, setReady } = await start(({ maps }) => [
    ...names(maps).map((name) => map(name)),
    set('db', 'db'),
    map('after'),
  ]);
  await apply({ maps: 10 });
  await vi.waitFor(async () => expect(await find('StatefulSet', 'db')).toBeDefined(), waitOptions);
  expect(await find('ConfigMap', 'after')).toBeUndefined();
  await setReady();
  await operator.expectReady('users', 'Keeper');
  expect(await find('ConfigMap', 'after')).toBeDefined();
  // The dependents that are ready when they are created need no call each.
  expect(calls()).toBeLessThan(10);

  const before = calls();
  await apply({ maps: 0 });
  await vi.waitFor(async () => expect(await find('ConfigMap', 'part-0')).toBeUndefined(), waitOptions);
  await operator.expectReady('users', 'Keeper');
  expect(calls() - before).toBeLessThan(10);
});

it('recreates a dependent with a changed immutable field only if its rules say so', async () => {
  const { operator, apply, find } = await start(({ service = 'a', recreate }) => [
    { manifest: set('db', service), readyWhen: 'true', policy: recreate ? 'Recreate' : 'Apply' },
  ]);
  await apply({ service: 'a' });
  await operator.expectReady('users', 'Keeper');
  const first = await find('StatefulSet', 'db');
  await apply({ service: 'b' });
  await operator.expectCondition('users', 'Ready', {
    status: 'False',
    reason: 'DependentFailed',
    message: expect.stringMatching(/StatefulSet .*\/db can't be written: a field that changes is immutable/) as string,
  });
  expect((await find('StatefulSet', 'db'))?.metadata.uid).toBe(first?.metadata.uid);

  await apply({ service: 'b', recreate: true });
  await operator.expectReady('users', 'Keeper');
  const second = await find('StatefulSet', 'db');
  expect(second?.spec).toMatchObject({ serviceName: 'b' });
  expect(second?.metadata.uid).not.toBe(first?.metadata.uid);
});

it('never overwrites a dependent that is only created, whatever the cache knows', async () => {
  let secret = 0;
  const { operator, apply, find, calls } = await start(() => {
    secret += 1;
    return [{ manifest: map('password', { value: String(secret) }), policy: 'CreateOnly' }];
  });
  await apply({ service: 'a' });
  await operator.expectReady('users', 'Keeper');
  const first = await find('ConfigMap', 'password');
  for (const service of ['b', 'c', 'd']) {
    const before = calls();
    await apply({ service });
    await vi.waitFor(() => expect(calls()).toBeGreaterThan(before), waitOptions);
    await operator.expectReady('users', 'Keeper');
  }
  expect((await find('ConfigMap', 'password'))?.data).toEqual(first?.data);
});

it('releases what is to be retained when the base is deleted, and takes it over again', async () => {
  let secret = 0;
  const { operator, apply, find } = await start(() => [
    { manifest: map('password', { value: String(++secret) }), policy: 'CreateOnly', retain: true },
    map('server'),
  ]);
  const first = await apply({});
  await operator.expectReady('users', 'Keeper');
  const password = await find('ConfigMap', 'password');
  await cluster.delete(first);
  await vi.waitFor(async () => expect(await operator.stored('Table', 'users')).toBeUndefined(), waitOptions);
  expect(await find('ConfigMap', 'server')).toBeUndefined();
  const retained = await find('ConfigMap', 'password');
  expect(retained?.metadata.ownerReferences ?? []).toEqual([]);
  expect(retained?.metadata.annotations).toMatchObject({
    'kplug.dev/retained-from': `Table.operator.example.org/${password?.metadata.namespace}/users`,
  });

  const second = await apply({});
  await operator.expectReady('users', 'Keeper');
  const adopted = await find('ConfigMap', 'password');
  expect(adopted).toMatchObject({
    data: password?.data,
    metadata: { uid: password?.metadata.uid, ownerReferences: [{ uid: second.metadata.uid, controller: true }] },
  });
  expect(adopted?.metadata.annotations).not.toHaveProperty(['kplug.dev/retained-from']);
});

it('tells two resources that request one dependent of the other', async () => {
  const { operator, apply, eventsOf } = await start(() => [map('shared')]);
  await apply({});
  await operator.expectReady('users', 'Keeper');
  const { metadata } = await apply({}, 'others');
  const where = metadata.namespace;
  await operator.expectCondition('others', 'Ready', {
    reason: 'DependentFailed',
    message: expect.stringContaining(
      `ConfigMap ${where}/shared already exists and is not owned by Table ${where}/others, but by Table ${where}/users`,
    ) as string,
  });
  const claimed = `DependentClaimed: Table ${where}/others requests the dependent ConfigMap ${where}/shared of this resource, too`;
  await vi.waitFor(async () => {
    expect(await eventsOf('users')).toContainEqual(expect.stringContaining(claimed));
  }, waitOptions);
});

it('reports the last Event about a dependent that does not become ready in time', async () => {
  const { operator, apply, find } = await start(() => [{ manifest: set('db', 'db'), readyTimeout: 2_000 }]);
  const { metadata } = await apply({});
  const created = await vi.waitFor(async () => {
    const found = await find('StatefulSet', 'db');
    expect(found).toBeDefined();
    return found;
  }, waitOptions);
  const { namespace } = metadata;
  for (const [name, note, at] of [
    ['late', 'exceeded quota', '2026-01-01T00:00:02.000000Z'],
    ['early', 'started', '2026-01-01T00:00:01.000000Z'],
  ]) {
    await cluster.request('POST', `/apis/events.k8s.io/v1/namespaces/${namespace}/events`, {
      apiVersion: 'events.k8s.io/v1',
      kind: 'Event',
      metadata: { name, namespace },
      regarding: { apiVersion: 'apps/v1', kind: 'StatefulSet', name: 'db', namespace, uid: created?.metadata.uid },
      type: 'Warning',
      reason: 'FailedCreate',
      note,
      action: 'Create',
      eventTime: at,
      reportingController: 'example.org/sets',
      reportingInstance: 'one',
    });
  }
  await operator.expectCondition('users', 'Ready', {
    reason: 'DependentTimedOut',
    message: expect.stringMatching(/has not been ready since .*; last Event: FailedCreate: exceeded quota$/) as string,
  });
});

it('applies a dependent as soon as its kind exists, and those that depend on it then', async () => {
  const namespace = await cluster.namespace();
  const later = { apiVersion: 'later.example.org/v1', kind: 'Later' };
  const configMap = { apiVersion: 'v1', kind: 'ConfigMap' };
  const operator = await KubernetesOperator.start(cluster, namespace, {
    delegation: { dependents: { kinds: [later, configMap] } },
  });
  await operator.plugin({
    name: 'Early',
    reconcile: () => ({ dependents: [{ ...later, metadata: { name: 'part' }, spec: {} }, map('after')] }),
  });
  await cluster.apply(operator.object('Table', 'users', {}));
  await operator.expectCondition('users', 'Ready', { status: 'False', reason: 'DependentFailed' });
  expect(await cluster.get({ ...operator.object('ConfigMap', 'after'), apiVersion: 'v1' })).toBeUndefined();
  await cluster.define(definition({ group: 'later.example.org', kind: 'Later' }));
  await operator.expectReady('users', 'Early');
  expect(await cluster.get({ ...operator.object('ConfigMap', 'after'), apiVersion: 'v1' })).toBeDefined();
});
