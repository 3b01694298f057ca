import { definition, FaultProxy, startTimeout, TestCluster } from '@kplug/testing/control-plane';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import type { LeaderElectionTimes } from './leader-election.ts';
import { FollowedCluster, soon } from './testing.ts';

const kind = { apiVersion: 'election.example.org/v1', kind: 'Table' };
const quick = { leaseDuration: 1_500, renewDeadline: 1_000, retryPeriod: 200 };
const never = new AbortController().signal;

let cluster: TestCluster;

beforeAll(async () => {
  cluster = await TestCluster.connect();
  await cluster.define(definition({ group: 'election.example.org', kind: 'Table' }));
}, startTimeout);

afterAll(() => cluster?.close());

/** Starts one of several operators in a namespace. */
async function join(
  namespace: string,
  pod: string | undefined,
  times: LeaderElectionTimes = quick,
  kubeConfig = cluster.kubeConfig,
) {
  const leaderElection = { leaseName: 'tables', ...times };
  const place = { namespace, namespaces: [namespace], leaderElection, ...(pod === undefined ? {} : { pod }) };
  const operator = await FollowedCluster.open({ kubeConfig, ...place });
  const { leadership } = operator.resources.services;
  if (!leadership) throw new Error('it takes no part in the election');
  return { operator, leadership };
}

const leaseOf = (namespace: string) => ({
  apiVersion: 'coordination.k8s.io/v1',
  kind: 'Lease',
  metadata: { namespace, name: 'tables' },
});

/** Makes a pod that never runs, for its labels. */
async function makePod(namespace: string, name: string) {
  const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { namespace, name } };
  await cluster.apply({ ...pod, spec: { containers: [{ name: 'operator', image: 'none' }] } });
  return async () =>
    ((await cluster.get(pod))?.metadata.labels as Record<string, string> | undefined)?.['kplug.dev/role'];
}

describe('the election of a leader', () => {
  it('elects one leader, and the next one as soon as the first is closed', async () => {
    const namespace = await cluster.namespace();
    const first = await join(namespace, undefined, {});
    await first.leadership.acquire(never);
    expect(first.leadership.leads).toBe(true);

    // With a lease of 15 s, only a released Lease can be acquired this soon.
    const second = await join(namespace, undefined, { retryPeriod: 100 });
    let leads = false;
    const waiting = second.leadership.acquire(never).then(() => {
      leads = true;
    });
    await vi.waitFor(() =>
      expect(second.operator.log.map(({ msg }) => msg)).toContainEqual(expect.stringContaining('leads; waiting')),
    );
    expect(leads).toBe(false);
    await first.operator.resources.close();
    await waiting;
    expect(second.leadership.leads).toBe(true);
    expect((await cluster.get(leaseOf(namespace)))?.spec).toMatchObject({ leaseTransitions: 1 });
  });

  it('moves the label for heartbeats to the pod of the leader', async () => {
    const namespace = await cluster.namespace();
    const [labelOfA, labelOfB] = [await makePod(namespace, 'a'), await makePod(namespace, 'b')];
    const a = await join(namespace, 'a');
    await a.leadership.acquire(never);
    expect(await labelOfA()).toBeUndefined();
    await a.leadership.announce();
    expect(await labelOfA()).toBe('leader');
    await a.operator.resources.close();
    expect(await labelOfA()).toBeUndefined();

    // A former leader that couldn't remove its label.
    await cluster.edit(
      { apiVersion: 'v1', kind: 'Pod', metadata: { namespace, name: 'a' } },
      { metadata: { labels: { 'kplug.dev/role': 'leader' } } },
    );
    const former = { ...leaseOf(namespace), spec: { holderIdentity: 'a_1', leaseDurationSeconds: 1 } };
    await cluster.apply(former);
    const b = await join(namespace, 'b');
    await b.leadership.acquire(never);
    await b.leadership.announce();
    expect([await labelOfA(), await labelOfB()]).toEqual([undefined, 'leader']);
  });

  it('changes no pod that is not labelled as the leader, whatever the Lease says', async () => {
    const namespace = await cluster.namespace();
    const [labelOfOther, labelOfB] = [await makePod(namespace, 'other'), await makePod(namespace, 'b')];
    const other = { apiVersion: 'v1', kind: 'Pod', metadata: { namespace, name: 'other' } };
    await cluster.edit(other, { metadata: { labels: { 'kplug.dev/role': 'theirs' } } });
    const { metadata } = (await cluster.get(other)) ?? {};
    for (const holder of ['other_1', 'missing_1']) {
      await cluster.apply({ ...leaseOf(namespace), spec: { holderIdentity: holder, leaseDurationSeconds: 1 } });
      const { leadership, operator } = await join(namespace, 'b');
      await leadership.acquire(never);
      await leadership.announce();
      expect([await labelOfOther(), await labelOfB()]).toEqual(['theirs', 'leader']);
      await operator.resources.close();
    }
    expect((await cluster.get(other))?.metadata.resourceVersion).toBe(metadata?.resourceVersion);
  });

  it('is lost when another process holds the Lease, and nothing is written after that', async () => {
    const namespace = await cluster.namespace();
    const { operator, leadership } = await join(namespace, undefined);
    await leadership.acquire(never);
    await operator.follow(kind);
    await cluster.apply({ ...kind, metadata: { namespace, name: 'users' } });
    const { metadata } = await operator.waitFor(`election.example.org/v1/Table/${namespace}/users`);
    const write = (rows: number) =>
      operator.resources.applyStatus(
        `election.example.org/v1/Table/${namespace}/users`,
        { rows },
        { uid: metadata.uid, fieldManager: 'kplug/tables' },
      );
    await expect(write(1)).resolves.toBe('written');

    await cluster.edit(leaseOf(namespace), { spec: { holderIdentity: 'other_1' } });
    await expect(leadership.lost).resolves.toContain('other_1 has taken it over');
    expect(leadership.leads).toBe(false);
    await expect(write(2)).rejects.toMatchObject({ code: 'LeadershipLost' });
    expect((await cluster.get({ ...kind, metadata: { namespace, name: 'users' } }))?.status).toEqual({ rows: 1 });
  });

  it('is lost before another process may lead when the Lease cannot be renewed', async () => {
    const namespace = await cluster.namespace();
    const proxy = await FaultProxy.open(cluster.kubeConfig);
    onTestFinished(() => proxy.close());
    const { leadership } = await join(namespace, undefined, quick, proxy.kubeConfig());
    await leadership.acquire(never);
    proxy.decide(({ method }) => (method === 'PUT' ? { status: 500, body: 'out of order' } : undefined));
    const lease = await cluster.get(leaseOf(namespace));
    const { renewTime = '' } = (lease?.spec ?? {}) as { renewTime?: string };
    await expect(leadership.lost).resolves.toContain('out of order');
    expect(leadership.leads).toBe(false);
    expect(Date.now() - Date.parse(renewTime)).toBeLessThan(quick.leaseDuration);
  });

  it('reports a missing right', async () => {
    const namespace = await cluster.namespace();
    const proxy = await FaultProxy.open(cluster.kubeConfig);
    onTestFinished(() => proxy.close());
    const { operator, leadership } = await join(namespace, undefined, quick, proxy.kubeConfig(`nobody-${namespace}`));
    const stopping = new AbortController();
    const acquiring = leadership.acquire(stopping.signal);
    await vi.waitFor(() => {
      expect(operator.log.map(({ msg }) => msg).join()).toContain(
        'apiGroups: ["coordination.k8s.io"], resources: ["leases"], verbs: ["get", "create", "update"]',
      );
    }, soon);
    stopping.abort(new Error('enough'));
    await expect(acquiring).rejects.toThrow('enough');
  });

  it('rejects times with which two could lead', async () => {
    const times = { leaseDuration: 1_000, renewDeadline: 2_000 };
    await expect(join('default', undefined, times)).rejects.toMatchObject({ code: 'InvalidConfiguration' });
  });
});
