import { type Client, createClient } from '@connectrpc/connect';
import { createConnectTransport } from '@connectrpc/connect-node';
import {
  ActivityService,
  ConditionStatus,
  InstanceState,
  LoadService,
  PassResult,
  PassStepKind,
  type WatchActivityRequest,
  type WatchActivityResponse,
} from '@kplug/protocol';
import { retry, terminal } from '@kplug/sdk';
import { keyFor, TestOperator } from '@kplug/testing';
import { describe, expect, it, onTestFinished } from 'vitest';

async function observedOperator(...[delegation, options]: Parameters<typeof TestOperator.start>) {
  const operator = await TestOperator.start(delegation, { adminAddress: '127.0.0.1:0', ...options });
  const baseUrl = `http://${operator.controller.adminAddress}`;
  const transport = createConnectTransport({ baseUrl, httpVersion: '1.1' });
  return { operator, client: createClient(ActivityService, transport), load: createClient(LoadService, transport) };
}

/** Watches until the test ends. Returns what was sent so far. */
function watch(
  client: Client<typeof ActivityService>,
  request: Partial<Pick<WatchActivityRequest, 'delegation' | 'namespace' | 'recent'>> = {},
): { events: WatchActivityResponse['event'][]; texts: () => string[] } {
  const ending = new AbortController();
  const events: WatchActivityResponse['event'][] = [];
  const watching = (async () => {
    for await (const { event } of client.watchActivity(request, { signal: ending.signal })) events.push(event);
  })().catch(() => undefined);
  onTestFinished(async () => {
    ending.abort();
    await watching;
  });
  return { events, texts: () => events.map(textOf) };
}

function textOf({ case: kind, value }: WatchActivityResponse['event']): string {
  if (kind === 'leftOut') return `${value} left out`;
  if (kind !== 'activity') return kind ?? '';
  const { what } = value;
  if (what.case === 'pass') return `${what.value.key.split('/').at(-1)} ${nameIn(PassResult, what.value.result)}`;
  if (what.case === 'event') return `${what.value.event?.target.split('/').at(-1)} ${what.value.event?.reason}`;
  if (what.case === 'instance') return `${what.value.plugin} ${nameIn(InstanceState, what.value.state)}`;
  return '';
}

/** Returns the name of a value of an enumeration. */
function nameIn(values: Readonly<Record<string, number>>, value: number): string {
  return Object.entries(values).find(([, one]) => one === value)?.[0] ?? '';
}

const keyOf = (name: string) => keyFor('Table', name);

describe('WatchActivity', () => {
  it('sends passes, Events and changes of instances as they happen, after a mark', async () => {
    const { operator, client } = await observedOperator();
    const { events, texts } = watch(client);
    await expect.poll(texts).toEqual(['synced']);
    const plugin = await operator.plugin({ name: 'PostgreSQL' });
    await expect.poll(texts).toContain('PostgreSQL LIVE');
    operator.table('users');
    await expect.poll(texts).toContain('users SETTLED');
    expect(texts()).toContain('users Ready');
    await plugin.stop();
    await expect.poll(texts).toContain('PostgreSQL GONE');
    const activities = events.flatMap(({ case: kind, value }) => (kind === 'activity' ? value : []));
    const sequences = activities.map(({ sequence }) => sequence);
    expect(sequences).toEqual(sequences.toSorted((a, b) => Number(a - b)));
    expect(new Set(sequences).size).toBe(sequences.length);
    expect(activities.every(({ at }) => Math.abs(Date.now() - Number(at?.seconds) * 1_000) < 60_000)).toBe(true);
    const [added] = activities.flatMap(({ what }) => (what.case === 'instance' ? what.value : []));
    expect(added).toMatchObject({ version: '1.0.0', formerState: InstanceState.UNSPECIFIED, reason: '' });
  });

  it('begins with the latest activities, of those that are wanted', async () => {
    const { operator, client } = await observedOperator();
    await operator.plugin({ name: 'PostgreSQL' });
    for (const name of ['users', 'orders']) operator.table(name);
    for (const name of ['users', 'orders']) await operator.expectReady(name);
    await operator.controller.whenIdle();
    const { texts } = watch(client, { recent: 1_000 });
    await expect.poll(texts).toContain('synced');
    expect(texts().at(-1)).toBe('synced');
    expect(texts()).toEqual(
      expect.arrayContaining(['PostgreSQL LIVE', 'users Ready', 'users SETTLED', 'orders SETTLED']),
    );
    const two = watch(client, { recent: 2 });
    await expect.poll(two.texts).toEqual([...texts().slice(-3, -1), 'synced']);
    const elsewhere = watch(client, { recent: 1_000, namespace: 'elsewhere' });
    await expect.poll(elsewhere.texts).toEqual(['PostgreSQL LIVE', 'synced']);
    const none = watch(client, { recent: 1_000, delegation: 'queues' });
    await expect.poll(none.texts).toEqual(['synced']);
    const tables = watch(client, { recent: 1_000, delegation: 'tables', namespace: 'default' });
    await expect.poll(tables.texts).toEqual(texts());
    operator.table('items');
    await expect.poll(tables.texts).toContain('items SETTLED');
    expect([elsewhere.texts().length, none.texts()]).toEqual([2, ['synced']]);
  });

  it('ends with the request, and refuses too many', async () => {
    const { client } = await observedOperator();
    const ending = new AbortController();
    const open = async () => {
      const responses = client.watchActivity({}, { signal: ending.signal })[Symbol.asyncIterator]();
      await responses.next();
      return responses;
    };
    const all = await Promise.all(Array.from({ length: 16 }, open));
    await expect(open()).rejects.toThrow(/has 16 watches open, the maximum/);
    ending.abort();
    await Promise.allSettled(all.map((one) => one.next()));
    const { texts } = watch(client);
    await expect.poll(texts).toEqual(['synced']);
  });
});

describe('ListPasses', () => {
  it('returns the passes over a resource with their steps, newest first', async () => {
    const { operator, client } = await observedOperator({ backOff: { initial: '20ms', max: '50ms' } });
    let isBroken = true;
    await operator.plugin({
      name: 'PostgreSQL',
      reconcile: () => {
        if (isBroken) throw new Error('no database');
        return {};
      },
    });
    operator.table('users');
    const passesOf = async (name: string) => (await client.listPasses({ key: keyOf(name) })).passes;
    await expect.poll(async () => (await passesOf('users')).length).toBeGreaterThan(2);
    isBroken = false;
    await operator.expectReady('users');
    await operator.controller.whenIdle();
    const passes = await passesOf('users');
    const last = passes.find(({ result }) => result === PassResult.SETTLED);
    expect(last).toMatchObject({
      key: keyOf('users'),
      delegation: 'tables',
      plugins: ['PostgreSQL 1.0.0'],
      ready: ConditionStatus.TRUE,
      reason: 'Ready',
      attempt: expect.any(Number),
      took: expect.anything(),
      waited: expect.anything(),
      traceId: '',
    });
    const kinds = last?.steps.map(({ kind }) => kind);
    expect(kinds?.slice(0, 2)).toEqual([PassStepKind.GATHER, PassStepKind.SELECT]);
    expect(kinds).toContain(PassStepKind.WRITE);
    expect(last?.steps.find(({ kind }) => kind === PassStepKind.CALL)?.target).toMatch(/PostgreSQL 1\.0\.0/);
    const failed = passes.filter(({ result }) => result === PassResult.RETRY);
    expect(failed[0]?.attempt).toBeGreaterThan(failed[1]?.attempt ?? 0);
    expect(failed[0]).toMatchObject({ ready: ConditionStatus.FALSE, message: expect.stringMatching(/no database/) });
    const times = passes.map(({ startedAt }) => Number(startedAt?.seconds) * 1_000 + (startedAt?.nanos ?? 0) / 1e6);
    expect(times).toEqual(times.toSorted((a, b) => b - a));
    expect(await passesOf('none')).toEqual([]);
    await expect(client.listPasses({ key: 'users' })).rejects.toThrow(/key is malformed/);
  });

  it('keeps the latest passes only', async () => {
    const { operator, client } = await observedOperator();
    await operator.plugin({ name: 'PostgreSQL' });
    operator.table('users');
    await operator.expectReady('users');
    for (let round = 0; round < 30; round++) {
      operator.controller.reconcileAll();
      await operator.controller.whenIdle();
    }
    expect((await client.listPasses({ key: keyOf('users') })).passes).toHaveLength(20);
  });
});

describe('GetHistory', () => {
  it('returns the passes and failures of each delegation', async () => {
    const { operator, load } = await observedOperator({ backOff: { initial: '20ms', max: '50ms' } });
    expect(await load.getHistory({})).toMatchObject({ delegations: [], interval: { seconds: 30n } });
    await operator.plugin({
      name: 'PostgreSQL',
      reconcile: () => {
        throw new Error('no database');
      },
    });
    operator.table('users');
    const sum = (counts: number[] = []) => counts.reduce((total, count) => total + count, 0);
    const failures = async () => sum((await load.getHistory({})).delegations[0]?.failed);
    await expect.poll(failures).toBeGreaterThan(1);
    const { delegations, start } = await load.getHistory({});
    expect(delegations).toMatchObject([{ delegation: 'tables' }]);
    expect(sum(delegations[0]?.passes)).toBeGreaterThanOrEqual(sum(delegations[0]?.failed));
    expect(Date.now() - Number(start?.seconds) * 1_000).toBeLessThan(120_000);
  });
});

describe('a failure for good', () => {
  it('counts as a failed pass, although it is not retried', async () => {
    const { operator, client, load } = await observedOperator();
    await operator.plugin({
      name: 'PostgreSQL',
      reconcile: () => {
        throw terminal('columns cannot shrink', { reason: 'Incompatible' });
      },
    });
    operator.table('users');
    const passes = async () => (await client.listPasses({ key: keyOf('users') })).passes;
    await expect.poll(passes).toMatchObject([{ result: PassResult.WAITING, failed: true, reason: 'Incompatible' }]);
    expect((await load.getHistory({})).delegations).toMatchObject([{ passes: [1], failed: [1] }]);
    expect((await load.getLoad({})).delegations).toMatchObject([{ totalPasses: { count: 1n, failed: 1n } }]);
  });
});

describe('GetLoad', () => {
  it('counts the resources that are assigned to each plugin, as they come, move and go', async () => {
    const { operator, load } = await observedOperator();
    const resources = async () =>
      Object.fromEntries((await load.getLoad({})).plugins.map(({ plugin, resources: count }) => [plugin, count]));
    await operator.plugin({ name: 'PostgreSQL' });
    await operator.plugin({ name: 'MariaDB' });
    for (const name of ['a', 'b', 'c']) operator.table(name, { preferredImplementation: 'PostgreSQL' });
    operator.table('d', { preferredImplementation: 'MariaDB' });
    await expect.poll(resources).toEqual({ PostgreSQL: 3, MariaDB: 1 });
    operator.table('a', { preferredImplementation: 'MariaDB' });
    await expect.poll(resources).toEqual({ PostgreSQL: 2, MariaDB: 2 });
    operator.delete('b');
    operator.delete('c');
    await expect.poll(resources).toEqual({ PostgreSQL: 0, MariaDB: 2 });
  });

  it('counts failures by reason: of calls, and those that valid answers report', async () => {
    const { operator, load } = await observedOperator({ backOff: { initial: '10ms', max: '20ms' }, deadline: '300ms' });
    await operator.plugin({
      name: 'Mixed',
      reconcile: async ({ base, signal }) => {
        const { name } = base.metadata;
        if (name === 'full') throw retry('no space is left', { reason: 'DiskFull' });
        if (name === 'hangs') await new Promise((resolve) => signal.addEventListener('abort', resolve));
        const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'x' } };
        return name === 'forbidden' ? { dependents: [pod] } : {};
      },
    });
    for (const name of ['full', 'hangs', 'forbidden', 'fine']) operator.table(name);
    const failures = async () => (await load.getLoad({})).plugins[0]?.failures ?? [];
    const reasons = async () => (await failures()).map(({ reason }) => reason).sort();
    await expect.poll(reasons).toEqual(['DeadlineExceeded', 'DiskFull', 'InvalidResponse']);
    const all = await failures();
    const find = (wanted: string) => all.find(({ reason }) => reason === wanted);
    expect(find('DiskFull')).toMatchObject({
      lastMessage: 'Mixed 1.0.0: no space is left',
      lastAt: expect.anything(),
    });
    expect(find('DeadlineExceeded')?.lastMessage).toMatch(/didn't answer in time/);
    expect(find('InvalidResponse')?.lastMessage).toMatch(/Pod/);
    const counts = all.map(({ count }) => Number(count));
    expect(counts).toEqual(counts.toSorted((a, b) => b - a));
  });
});
