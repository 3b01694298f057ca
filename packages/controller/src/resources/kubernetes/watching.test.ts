import { definition, FaultProxy, type PassedRequest, startTimeout, TestCluster } from '@kplug/testing/control-plane';
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { FollowedCluster, soon } from './testing.ts';

const tables = { apiVersion: 'watching.example.org/v1', kind: 'Table' };

let cluster: TestCluster;
let namespace: string;
let proxy: FaultProxy;

beforeAll(async () => {
  cluster = await TestCluster.connect();
  await cluster.define(definition({ group: 'watching.example.org', kind: 'Table' }));
}, startTimeout);

afterAll(() => cluster?.close());

beforeEach(async () => {
  namespace = await cluster.namespace();
  proxy = await FaultProxy.open(cluster.kubeConfig);
  onTestFinished(() => proxy.close());
});

function table(name: string, columns = 1) {
  return { ...tables, metadata: { name, namespace }, spec: { columns } };
}

function keyOf(name: string): string {
  return `watching.example.org/v1/Table/${namespace}/${name}`;
}

function open(watchTimeout = 45_000): Promise<FollowedCluster> {
  return FollowedCluster.open({ kubeConfig: proxy.kubeConfig(), namespaces: [namespace], watchTimeout });
}

function isWatch({ url }: PassedRequest): boolean {
  return url.searchParams.has('watch');
}

function isList({ method, url }: PassedRequest): boolean {
  return method === 'GET' && url.pathname.endsWith('/tables') && !url.searchParams.has('watch');
}

/** Returns the received columns of each resource, in order. */
function told({ changes }: FollowedCluster): Record<string, unknown[]> {
  const columns: Record<string, unknown[]> = {};
  for (const { resource, gone } of changes) {
    const { name } = resource.metadata;
    columns[name] = [...(columns[name] ?? []), gone ? 'gone' : resource.spec?.columns];
  }
  return columns;
}

describe('a list', () => {
  it('is complete even if a page is cut', async () => {
    const names = Array.from({ length: 620 }, (_, index) => `table-${String(index).padStart(3, '0')}`);
    await Promise.all(names.map((name) => cluster.apply(table(name))));
    let cuts = 0;
    proxy.decide(({ url }) => {
      if (!url.searchParams.has('continue') || cuts > 0) return undefined;
      cuts += 1;
      return {
        onChunk(chunk, { pass, cut }) {
          pass(chunk.subarray(0, chunk.length / 2));
          cut();
        },
      };
    });
    const followed = await open();
    await followed.follow(tables);
    expect(cuts).toBe(1);
    expect(followed.names(tables)).toEqual(names);
    expect(followed.changes).toHaveLength(names.length);
  });

  it('starts again when its pages have expired', async () => {
    const names = Array.from({ length: 510 }, (_, index) => `table-${String(index).padStart(3, '0')}`);
    await Promise.all(names.map((name) => cluster.apply(table(name))));
    const body = {
      kind: 'Status',
      code: 410,
      reason: 'Expired',
      message: 'The provided continue parameter is too old',
    };
    let expired = 0;
    proxy.decide(({ url }) => {
      if (!url.searchParams.has('continue')) return undefined;
      expired += 1;
      return { status: 410, body };
    });
    const followed = await open();
    await followed.follow(tables);
    expect(expired).toBe(2);
    expect(followed.names(tables)).toEqual(names);
    expect(followed.changes).toHaveLength(names.length);
  });
});

describe('a watch', () => {
  it.each([
    ['between two events', 1],
    ['in the middle of an event', 0.5],
  ])('that is cut %s neither loses nor repeats a change', async (_, part) => {
    let cuts = 0;
    proxy.decide((request) => {
      if (!isWatch(request)) return undefined;
      return {
        onChunk(chunk, { pass, cut }) {
          if (cuts > 0 || !chunk.includes('"columns":2')) return pass(chunk);
          cuts += 1;
          pass(chunk.subarray(0, chunk.length * part));
          cut();
        },
      };
    });
    const followed = await open();
    await followed.follow(tables);
    for (const columns of [1, 2, 3]) {
      await cluster.apply(table('users', columns));
      // Each in its own chunk.
      await followed.waitFor(keyOf('users'), ({ spec }) => expect(spec).toEqual({ columns }));
    }
    expect(cuts).toBe(1);
    expect(told(followed)).toEqual({ users: [1, 2, 3] });
    expect(proxy.requests.filter(isList)).toHaveLength(1);
    const versions = proxy.requests.filter(isWatch).map(({ url }) => Number(url.searchParams.get('resourceVersion')));
    expect(versions[1]).toBeGreaterThan(versions[0] ?? Number.NaN);
  });

  it('with a dead connection is replaced in time', async () => {
    const followed = await open(2_000);
    await followed.follow(tables);
    await cluster.apply(table('users', 1));
    await followed.waitFor(keyOf('users'));
    proxy.freeze();
    await cluster.apply(table('users', 2));
    const frozenAt = performance.now();
    await followed.waitFor(keyOf('users'), ({ spec }) => expect(spec).toEqual({ columns: 2 }));
    expect(performance.now() - frozenAt).toBeLessThan(10_000);
    expect(told(followed)).toEqual({ users: [1, 2] });
    expect(proxy.requests.filter(isList)).toHaveLength(1);
  });

  it('with an unreadable event is counted, logged, and followed by a list', async () => {
    let garbled = 0;
    proxy.decide((request) => {
      if (!isWatch(request)) return undefined;
      return {
        onChunk(chunk, { pass }) {
          if (garbled > 0 || !chunk.includes('"columns":2')) return pass(chunk);
          garbled += 1;
          pass(Buffer.from('{"type":"MODIFIED","object":{"metada\n'));
        },
      };
    });
    const followed = await open();
    await followed.follow(tables);
    for (const columns of [1, 2]) await cluster.apply(table('users', columns));
    await followed.waitFor(keyOf('users'), ({ spec }) => expect(spec).toEqual({ columns: 2 }));
    expect(followed.log).toContainEqual(
      expect.objectContaining({
        count: 1,
        msg: expect.stringMatching(/sent an event that isn't JSON.*listing everything again/),
      }),
    );
    expect(proxy.requests.filter(isList)).toHaveLength(2);
  });

  it.each(['as the answer', 'as an event'])('with an expired version, reported %s, starts with a list', async (how) => {
    const status = {
      kind: 'Status',
      apiVersion: 'v1',
      code: 410,
      reason: 'Expired',
      message: 'too old resource version',
    };
    const followed = await open();
    await followed.follow(tables);
    await cluster.apply(table('users', 1));
    await cluster.apply(table('orders', 1));
    await followed.waitFor(keyOf('orders'));
    let expired = 0;
    proxy.decide((request) => {
      if (!isWatch(request) || expired > 0) return undefined;
      expired += 1;
      if (how === 'as the answer') return { status: 410, body: status };
      return { status: 200, body: `${JSON.stringify({ type: 'ERROR', object: status })}\n` };
    });
    proxy.cut();
    await cluster.apply(table('users', 2));
    await cluster.delete(table('orders'));
    await followed.waitFor(keyOf('users'), ({ spec }) => expect(spec).toEqual({ columns: 2 }));
    await vi.waitFor(() => expect(followed.resources.get(keyOf('orders'))).toBeUndefined(), soon);
    expect(expired).toBe(1);
    expect(proxy.requests.filter(isList)).toHaveLength(2);
    expect(told(followed)).toEqual({ users: [1, 2], orders: [1, 'gone'] });
  });

  it('is shared by all listeners of a kind, and requests bookmarks', async () => {
    const followed = await open();
    await Promise.all([followed.follow(tables), followed.follow(tables)]);
    await cluster.apply(table('users'));
    await vi.waitFor(() => expect(followed.changes).toHaveLength(2), soon);
    await followed.follow(tables);
    expect(followed.changes).toHaveLength(3);
    const watches = proxy.requests.filter(isWatch);
    expect(watches).toHaveLength(1);
    expect(watches[0]?.url.searchParams.get('allowWatchBookmarks')).toBe('true');
  });

  it('continues where the previous one ended', async () => {
    const followed = await open(1_500);
    await followed.follow(tables);
    await vi.waitFor(() => expect(proxy.requests.filter(isWatch).length).toBeGreaterThan(2), soon);
    await cluster.apply(table('users'));
    await followed.waitFor(keyOf('users'));
    expect(proxy.requests.filter(isList)).toHaveLength(1);
    expect(followed.log).toEqual([]);
  });
});

describe('a cached object', () => {
  it('has no managed fields and no copy of kubectl', async () => {
    const annotations = { 'kubectl.kubernetes.io/last-applied-configuration': '{}', note: 'kept' };
    await cluster.apply({ ...table('users'), metadata: { name: 'users', namespace, annotations } });
    const followed = await open();
    await followed.follow(tables);
    const { metadata, ...rest } = await followed.waitFor(keyOf('users'));
    expect(rest).toEqual({ ...tables, spec: { columns: 1 } });
    expect(Object.keys(metadata).sort()).toEqual([
      'annotations',
      'creationTimestamp',
      'generation',
      'name',
      'namespace',
      'resourceVersion',
      'uid',
    ]);
    expect(metadata.annotations).toEqual({ note: 'kept' });
  });

  it('has a generation even if its kind has none', async () => {
    const map = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'options', namespace } };
    await cluster.apply({ ...map, data: { a: '1' } });
    const followed = await open();
    await followed.follow({ apiVersion: 'v1', kind: 'ConfigMap' });
    const key = `/v1/ConfigMap/${namespace}/options`;
    const first = await followed.waitFor(key);
    await cluster.edit(map, { metadata: { labels: { a: 'b' } } });
    const labelled = await followed.waitFor(key, ({ metadata }) => expect(metadata.labels).toEqual({ a: 'b' }));
    expect(labelled.metadata.generation).toBe(first.metadata.generation);
    await cluster.edit(map, { data: { a: '2' } });
    const changed = await followed.waitFor(key, (resource) => expect(resource).toMatchObject({ data: { a: '2' } }));
    expect(changed.metadata.generation).toBeGreaterThan(first.metadata.generation);
  });
});
