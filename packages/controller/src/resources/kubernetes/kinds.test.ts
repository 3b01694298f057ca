import { randomBytes } from 'node:crypto';
import { definition, FaultProxy, startTimeout, TestCluster } from '@kplug/testing/control-plane';
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import type { KindProblem } from '../port.ts';
import { FollowedCluster, soon } from './testing.ts';

let cluster: TestCluster;
let namespace: string;
let group: string;

beforeAll(async () => {
  cluster = await TestCluster.connect();
}, startTimeout);

afterAll(() => cluster?.close());

beforeEach(async () => {
  namespace = await cluster.namespace();
  group = `${randomBytes(4).toString('hex')}.kinds.example.org`;
});

function kind() {
  return { apiVersion: `${group}/v1`, kind: 'Table' };
}

function table(name: string) {
  return { ...kind(), metadata: { name, namespace }, spec: { columns: 1 } };
}

/** Defines the kind until the end of the test. */
async function define(): Promise<void> {
  const wanted = definition({ group, kind: 'Table' });
  await cluster.define(wanted);
  onTestFinished(() => cluster.delete(wanted));
}

/** Follows the kind, and records its problems. */
async function follow(followed: FollowedCluster): Promise<(string | undefined)[]> {
  const told: (string | undefined)[] = [];
  const onProblem = (problem: KindProblem | undefined) => void told.push(problem?.reason);
  await followed.resources.follow(kind(), (change) => followed.changes.push(change), { onProblem });
  return told;
}

describe('a kind that does not exist', () => {
  it('delays nothing, is reported with advice, and is followed as soon as it exists', async () => {
    const followed = await FollowedCluster.open({ kubeConfig: cluster.kubeConfig });
    const told = await follow(followed);
    const message = `the cluster has no kind Table in ${group}/v1; apply its CustomResourceDefinition`;
    expect(followed.resources.problem(kind())).toEqual({ reason: 'KindNotFound', message });
    expect(followed.resources.problem({ ...kind(), kind: 'Unfollowed' })).toBeUndefined();

    await define();
    await cluster.apply(table('users'));
    await followed.waitFor(`${group}/v1/Table/${namespace}/users`);
    expect(followed.resources.problem(kind())).toBeUndefined();
    expect(told).toEqual(['KindNotFound', undefined]);
    expect(followed.log.map(({ msg }) => msg)).toEqual([message, `Table (${group}/v1) can be read again`]);
  });

  it.each([
    ['observed by the watch', false],
    ['missed by the watch', true],
  ])('is removed with its resources when it is deleted, %s, and is followed again', async (_, deaf) => {
    await define();
    await cluster.apply(table('users'));
    const proxy = await FaultProxy.open(cluster.kubeConfig);
    onTestFinished(() => proxy.close());
    const followed = await FollowedCluster.open({ kubeConfig: proxy.kubeConfig(), watchTimeout: 2_000 });
    const told = await follow(followed);
    const key = `${group}/v1/Table/${namespace}/users`;
    const { metadata } = await followed.waitFor(key);
    await vi.waitFor(() => expect(proxy.requests.some(({ url }) => url.searchParams.has('watch'))).toBe(true), soon);
    if (deaf) proxy.freeze();
    await cluster.delete(definition({ group, kind: 'Table' }));
    await vi.waitFor(() => expect(followed.resources.problem(kind())?.reason).toBe('KindNotFound'), soon);
    expect(followed.names(kind())).toEqual([]);
    expect(followed.changes.at(-1)).toMatchObject({ gone: true, resource: { metadata: { uid: metadata.uid } } });

    await define();
    await cluster.apply(table('users'));
    const anew = await followed.waitFor(key);
    expect(anew.metadata.uid).not.toBe(metadata.uid);
    expect(followed.changes.map(({ gone }) => gone)).toEqual([false, true, false]);
    expect(told).toEqual(['KindNotFound', undefined]);
  });
});

describe('a kind that is forbidden', () => {
  it('delays nothing, is reported with the missing rule, and is followed once the rule exists', async () => {
    await define();
    await cluster.apply(table('users'));
    const user = `nobody-${namespace}`;
    const proxy = await FaultProxy.open(cluster.kubeConfig);
    onTestFinished(() => proxy.close());
    const followed = await FollowedCluster.open({ kubeConfig: proxy.kubeConfig(user), namespaces: [namespace] });
    const told = await follow(followed);
    const problem = followed.resources.problem(kind());
    expect(problem?.reason).toBe('Forbidden');
    expect(problem?.message).toContain(
      `the operator may not list and watch tables.${group} in the namespace ${namespace}; add to a Role in ${namespace} of ` +
        `its service account the rule { apiGroups: ["${group}"], resources: ["tables"], verbs: ["list", "watch"] }`,
    );
    expect(followed.log.map(({ level, msg }) => [level, msg])).toEqual([[40, problem?.message]]);

    await cluster.grant(user, namespace, [{ apiGroups: [group], resources: ['tables'], verbs: ['list', 'watch'] }]);
    await followed.waitFor(`${group}/v1/Table/${namespace}/users`);
    expect(told).toEqual(['Forbidden', undefined]);
  });
});

describe('an API server that does not respond', () => {
  it('delays little, and is retried until it responds', async () => {
    await define();
    await cluster.apply(table('users'));
    const proxy = await FaultProxy.open(cluster.kubeConfig);
    onTestFinished(() => proxy.close());
    proxy.decide(() => ({ status: 500, body: 'out of order' }));
    const followed = await FollowedCluster.open({ kubeConfig: proxy.kubeConfig() });
    const told = await follow(followed);
    expect(followed.resources.problem(kind())).toMatchObject({
      reason: 'Unreachable',
      message: expect.stringMatching(/Table .*can't be read from http:.*out of order/),
    });
    proxy.decide(() => undefined);
    await followed.waitFor(`${group}/v1/Table/${namespace}/users`);
    expect(told).toEqual(['Unreachable', undefined]);
  });

  it('does not prevent the resources from closing', async () => {
    const proxy = await FaultProxy.open(cluster.kubeConfig);
    onTestFinished(() => proxy.close());
    proxy.decide(() => 'silence');
    const followed = await FollowedCluster.open({ kubeConfig: proxy.kubeConfig() });
    const following = followed.resources.follow(kind(), () => undefined);
    const outcome = expect(following).rejects.toThrow(expect.objectContaining({ code: 'Stopped' }));
    await vi.waitFor(() => expect(proxy.requests).toHaveLength(1), soon);
    await followed.resources.close();
    await outcome;
  });
});

describe('namespaces', () => {
  it('that are given are followed, and no others', async () => {
    await define();
    const [other, third] = [await cluster.namespace(), await cluster.namespace()];
    const followed = await FollowedCluster.open({ kubeConfig: cluster.kubeConfig, namespaces: [namespace, other] });
    await follow(followed);
    for (const home of [third, other, namespace]) {
      await cluster.apply({ ...table('users'), metadata: { name: 'users', namespace: home } });
    }
    await followed.waitFor(`${group}/v1/Table/${namespace}/users`);
    await followed.waitFor(`${group}/v1/Table/${other}/users`);
    expect(followed.names(kind())).toEqual(['users', 'users']);
  });

  it('that are deleted take their resources along', async () => {
    await define();
    for (const name of ['users', 'orders']) await cluster.apply(table(name));
    const followed = await FollowedCluster.open({ kubeConfig: cluster.kubeConfig });
    await follow(followed);
    expect(followed.names(kind())).toEqual(['orders', 'users']);
    await cluster.deleteNamespace(namespace);
    await vi.waitFor(() => expect(followed.names(kind())).toEqual([]), { timeout: 25_000 });
    expect(followed.changes.map(({ gone }) => gone)).toEqual([false, false, true, true]);
  });
});
