import { KubernetesOperator, uniqueGroup } from '@kplug/testing/cluster';
import { definition, FaultProxy, startTimeout, TestCluster } from '@kplug/testing/control-plane';
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';

const group = 'operator.example.org';
const finalizer = 'kplug.dev/tables';

let cluster: TestCluster;
let namespace: string;

beforeAll(async () => {
  cluster = await TestCluster.connect();
  for (const kind of ['Table', 'PgOption']) await cluster.define(definition({ group, kind }));
}, startTimeout);

afterAll(() => cluster?.close());

beforeEach(async () => {
  namespace = await cluster.namespace();
});

describe('an operator on a cluster', () => {
  it('delegates a resource, moves it to the preferred plugin, and releases it after finalizing', async () => {
    const operator = await KubernetesOperator.start(cluster, namespace);
    await cluster.apply(operator.object('Table', 'users', { preferredImplementation: 'MariaDB' }));
    await operator.expectCondition('users', 'Ready', { status: 'False', reason: 'NoPlugin' });
    expect(await operator.takeRequests()).toEqual(['apply tables/status']);

    await operator.plugin({ name: 'PostgreSQL' });
    const chosen = await operator.expectReady('users', 'PostgreSQL');
    expect(chosen.metadata.finalizers).toEqual([finalizer]);
    expect(chosen.status).toMatchObject({ by: 'PostgreSQL', observedGeneration: 1 });
    expect(await operator.takeRequests()).toEqual(['apply tables/status', 'patch tables']);

    const finalized: string[] = [];
    await operator.plugin({
      name: 'MariaDB',
      finalize: ({ base }) => {
        finalized.push(base.metadata.name);
      },
    });
    expect((await operator.expectReady('users', 'MariaDB')).status).toMatchObject({ by: 'MariaDB' });
    expect(await operator.takeRequests()).toEqual(['apply tables/status']);

    await cluster.delete(operator.object('Table', 'users'));
    await vi.waitFor(async () => expect(await operator.stored('Table', 'users')).toBeUndefined(), 20_000);
    expect(finalized).toEqual(['users']);
    expect(await operator.takeRequests()).toEqual(['patch tables']);
  });

  it('ignores a reference to a resource of a cluster-scoped kind, and says so', async () => {
    // Listed, as kinds that grant rights are no extensions otherwise.
    const kinds = [{ apiVersion: 'v1', kind: 'Namespace' }];
    const operator = await KubernetesOperator.start(cluster, namespace, { delegation: { extensions: { kinds } } });
    await operator.plugin({ name: 'PostgreSQL' });
    const extensions = [{ apiVersion: 'v1', kind: 'Namespace', name: namespace }];
    await cluster.apply(operator.object('Table', 'users', { extensions }));
    await operator.expectReady('users', 'PostgreSQL');
    await operator.expectCondition('users', 'ExtensionsResolved', {
      status: 'False',
      reason: 'ExtensionForbidden',
      message: `Namespace ${namespace} (v1) is cluster-scoped; an extension must be in the namespace ${namespace}`,
    });
  });

  it('writes the status of an extension, and follows its changes', async () => {
    const operator = await KubernetesOperator.start(cluster, namespace);
    const options = operator.object('PgOption', 'users', { partitions: 4 });
    await cluster.apply(options);
    await operator.plugin({
      name: 'PostgreSQL',
      reconcile: ({ base, extensions }) => ({
        status: { size: base.metadata.name.length },
        extensions: extensions.all('PgOption').map((extension) => ({ extension, status: { applied: extension.spec } })),
      }),
    });
    const table = operator.object('Table', 'users', { extensions: [operator.reference('PgOption', 'users')] });
    await cluster.apply(table);
    await operator.expectReady('users', 'PostgreSQL');
    expect((await operator.stored('PgOption', 'users'))?.status).toEqual({ applied: { partitions: 4 } });
    expect(await operator.takeRequests()).toEqual(['apply pgoptions/status', 'apply tables/status', 'patch tables']);

    await cluster.apply({ ...options, spec: { partitions: 8 } });
    await vi.waitFor(async () => {
      expect((await operator.stored('PgOption', 'users'))?.status).toEqual({ applied: { partitions: 8 } });
    }, 20_000);
    expect(await operator.takeRequests()).toEqual(['apply pgoptions/status']);
  });

  it('sends no request in a reconcile that changes nothing, before and after a restart', async () => {
    const first = await KubernetesOperator.start(cluster, namespace);
    await cluster.apply(first.object('PgOption', 'users', { partitions: 4 }));
    const extensions = [first.reference('PgOption', 'users')];
    for (const name of ['users', 'orders', 'items']) await cluster.apply(first.object('Table', name, { extensions }));
    let passes = 0;
    const plugin = {
      name: 'PostgreSQL',
      reconcile: ({ extensions: given }: { extensions: { all(kind: string): { spec?: unknown }[] } }) => {
        passes += 1;
        const statuses = given.all('PgOption').map((extension) => ({ extension, status: { applied: extension.spec } }));
        return { status: { rows: [], limits: { max: 3 } }, extensions: statuses as never, requeueAfter: 20 };
      },
    };
    const running = await first.plugin(plugin);
    for (const name of ['users', 'orders', 'items']) await first.expectReady(name, 'PostgreSQL');
    await first.takeRequests();
    const seen = passes;
    await vi.waitFor(() => expect(passes).toBeGreaterThan(seen + 10), 20_000);
    expect(await first.takeRequests()).toEqual([]);
    await first.controller.stop();
    await running.stop();

    const second = await KubernetesOperator.start(cluster, namespace);
    await second.plugin(plugin);
    for (const name of ['users', 'orders', 'items']) await second.expectReady(name, 'PostgreSQL');
    // The plugin is unknown for a moment, which each status reports and revokes. Nothing else is written.
    const requests = await second.takeRequests();
    expect(requests.filter((request) => request !== 'apply tables/status')).toEqual([]);
    expect(requests.length).toBeLessThanOrEqual(6);
    passes = 0;
    await vi.waitFor(() => expect(passes).toBeGreaterThan(10), 20_000);
    expect(await second.takeRequests()).toEqual([]);
  });

  it('writes nothing after a restart when nothing has changed', async () => {
    const first = await KubernetesOperator.start(cluster, namespace);
    for (const name of ['users', 'orders', 'items']) await cluster.apply(first.object('Table', name));
    for (const name of ['users', 'orders', 'items']) {
      await first.expectCondition(name, 'Ready', { status: 'False', reason: 'NoPlugin' });
    }
    expect(await first.takeRequests()).toEqual(Array(3).fill('apply tables/status'));
    await first.controller.stop();

    const second = await KubernetesOperator.start(cluster, namespace);
    await second.controller.whenIdle();
    expect([...second.controller.resources.list({ apiVersion: `${group}/v1`, kind: 'Table' })]).toHaveLength(3);
    expect(await second.takeRequests()).toEqual([]);
  });

  it('corrects changes of users to its part of the status', async () => {
    const operator = await KubernetesOperator.start(cluster, namespace);
    await operator.plugin({ name: 'PostgreSQL' });
    const table = operator.object('Table', 'users');
    await cluster.apply(table);
    const { status } = await operator.expectReady('users', 'PostgreSQL');
    await cluster.edit(table, { status: { by: 'hand', implementation: 'none' } }, 'status');
    await vi.waitFor(async () => expect((await operator.stored('Table', 'users'))?.status).toEqual(status), 20_000);
    await cluster.edit(table, { metadata: { finalizers: null } });
    await vi.waitFor(async () => {
      expect((await operator.stored('Table', 'users'))?.metadata.finalizers).toEqual([finalizer]);
    }, 20_000);
  });

  it('delegates three hundred resources that are applied concurrently, with two writes each', async () => {
    const operator = await KubernetesOperator.start(cluster, namespace);
    await operator.plugin({ name: 'PostgreSQL' });
    const names = Array.from({ length: 300 }, (_, index) => `table-${index}`);
    await Promise.all(names.map((name) => cluster.apply(operator.object('Table', name))));
    for (const name of names) await operator.expectReady(name, 'PostgreSQL');
    const requests = await operator.takeRequests();
    expect(requests).toHaveLength(600);
    expect(new Set(requests)).toEqual(new Set(['apply tables/status', 'patch tables']));
  }, 60_000);
});

describe('an extension that cannot be read', () => {
  it('is reported in the condition while its kind is missing, and used when the kind exists', async () => {
    const operator = await KubernetesOperator.start(cluster, namespace);
    const seen: number[] = [];
    await operator.plugin({
      name: 'PostgreSQL',
      reconcile: ({ extensions }) => void seen.push(extensions.all('PgOption').length),
    });
    const apiVersion = `${uniqueGroup()}/v1`;
    const reference = { apiVersion, kind: 'PgOption', name: 'users' };
    await cluster.apply(operator.object('Table', 'users', { extensions: [reference] }));
    await operator.expectCondition('users', 'ExtensionsResolved', {
      status: 'False',
      reason: 'KindNotFound',
      message: expect.stringContaining(`the cluster has no kind PgOption in ${apiVersion}`) as string,
    });
    const wanted = definition({ group: apiVersion.replace('/v1', ''), kind: 'PgOption' });
    await cluster.define(wanted);
    onTestFinished(() => cluster.delete(wanted));
    await operator.expectCondition('users', 'ExtensionsResolved', { status: 'False', reason: 'ExtensionNotFound' });
    await cluster.apply({ apiVersion, kind: 'PgOption', metadata: { name: 'users', namespace }, spec: {} });
    await operator.expectReady('users', 'PostgreSQL');
    expect(seen).toEqual([1]);
  });

  it('is reported in the condition with the missing rule while it is forbidden', async () => {
    const user = `operator-${namespace}`;
    const onTables = { apiGroups: [group], resources: ['tables', 'tables/status'], verbs: ['list', 'watch', 'patch'] };
    await cluster.grant(user, namespace, [onTables]);
    const proxy = await FaultProxy.open(cluster.kubeConfig);
    onTestFinished(() => proxy.close());
    const operator = await KubernetesOperator.start(cluster, namespace, { kubeConfig: proxy.kubeConfig(user) });
    await operator.plugin({ name: 'PostgreSQL' });
    const extensions = [operator.reference('PgOption', 'users')];
    await cluster.apply(operator.object('PgOption', 'users'));
    await cluster.apply(operator.object('Table', 'users', { extensions }));
    const rule = `{ apiGroups: ["${group}"], resources: ["pgoptions"], verbs: ["list", "watch"] }`;
    await operator.expectCondition('users', 'ExtensionsResolved', {
      status: 'False',
      reason: 'Forbidden',
      message: expect.stringContaining(rule) as string,
    });
  });
});
