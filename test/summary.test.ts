import { Code, ConnectError } from '@connectrpc/connect';
import { ResourceState, type WatchSummaryResponse } from '@kplug/protocol';
import { terminal } from '@kplug/sdk';
import { TestOperator } from '@kplug/testing';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { clientOf, registerRefused, startOperator } from './ten-causes.fixture.ts';

const waiting = { timeout: 20_000, interval: 20 };
const tableKind = { apiVersion: 'myorg.org/v1alpha1', kind: 'Table' };

function adminOf({ controller }: TestOperator) {
  return clientOf({ adminUrl: `http://${controller.adminAddress}` });
}

/** Watches the summary of an operator until the test ends. */
function watch(operator: TestOperator, request: { namespace?: string } = {}) {
  const stop = new AbortController();
  onTestFinished(() => stop.abort());
  const times: number[] = [];
  const summaries: WatchSummaryResponse[] = [];
  const ended = (async () => {
    for await (const one of adminOf(operator).watchSummary(request, { signal: stop.signal })) {
      times.push(performance.now());
      summaries.push(one);
    }
  })().catch((error: unknown) => error);
  /** Waits for a summary that is as expected. */
  const expectLatest = (expected: object) =>
    vi.waitFor(() => {
      const latest = summaries.at(-1);
      expect(latest).toMatchObject(expected);
      return latest as WatchSummaryResponse;
    }, waiting);
  return { times, summaries, expectLatest, ended, stop };
}

function table(operator: TestOperator, name: string, namespace: string, spec = {}) {
  operator.resources.apply({ ...tableKind, metadata: { name, namespace }, spec });
}

describe('a summary', () => {
  it('counts resources by state and cause, with what concerns many first, and follows the changes', async () => {
    const operator = await startOperator();
    for (const name of ['a', 'b', 'c']) table(operator, name, 'team', { fails: true });
    table(operator, 'd', 'team', { preferredImplementation: 'MariaDB', fails: true });
    const { expectLatest } = watch(operator);
    await expectLatest({ delegations: [{ name: 'tables', kind: 'Table', total: 4, waiting: 4 }], standby: false });
    await operator.plugin({
      name: 'PostgreSQL',
      reconcile: ({ base }) => {
        if ((base.spec as { fails?: boolean }).fails)
          throw terminal(`no disk for ${base.metadata.name}`, { reason: 'NoDisk' });
      },
    });
    const causes = [{ reason: 'NoDisk', state: ResourceState.FAILING, resources: 4, summary: /no disk for/ }];
    await expectLatest({
      delegations: [
        { total: 4, failing: 4, waiting: 0, causes: [{ ...causes[0], summary: expect.stringMatching(/no disk for/) }] },
      ],
    });
    table(operator, 'ready', 'other');
    table(operator, 'malformed', 'other', { preferredImplementation: 7 });
    await expectLatest({
      delegations: [{ total: 6, ready: 1 }],
      namespaces: [
        { name: 'other', total: 2, notReady: 1 },
        { name: 'team', total: 4, notReady: 4 },
      ],
    });
  });

  it('puts causes that hold up others before more numerous ones of single resources', async () => {
    const operator = await startOperator({ selection: { fallback: 'none' } });
    await operator.plugin({
      name: 'PostgreSQL',
      reconcile: () => Promise.reject(terminal('no disk', { reason: 'NoDisk' })),
    });
    for (const name of ['a', 'b', 'c']) table(operator, name, 'team', { preferredImplementation: 'PostgreSQL' });
    table(operator, 'd', 'team', { preferredImplementation: 'MariaDB' });
    const { expectLatest } = watch(operator);
    const { delegations } = await expectLatest({ delegations: [{ waiting: 1, failing: 3 }] });
    expect(delegations[0]?.causes.map(({ reason, resources }) => [reason, resources])).toEqual([
      ['PreferredUnavailable', 1],
      ['NoDisk', 3],
    ]);
  });

  it('of a namespace has only its resources', async () => {
    const operator = await startOperator();
    table(operator, 'a', 'team');
    table(operator, 'b', 'other');
    const { expectLatest } = watch(operator, { namespace: 'team' });
    const { namespaces } = await expectLatest({ delegations: [{ total: 1, waiting: 1, causes: [{ resources: 1 }] }] });
    expect(namespaces).toHaveLength(2);
  });

  it('is sent at once, and at most once a second however much changes', async () => {
    const operator = await startOperator();
    await operator.plugin({ name: 'PostgreSQL' });
    const { times, summaries } = watch(operator);
    await vi.waitFor(() => expect(summaries).toHaveLength(1), waiting);
    let made = 0;
    await vi.waitFor(() => {
      table(operator, `t-${made++}`, 'default');
      expect(summaries.length).toBeGreaterThanOrEqual(3);
    }, waiting);
    const gaps = times.slice(1).map((time, index) => time - (times[index] ?? 0));
    // The first byte of a response may take longer than that of the next.
    for (const gap of gaps) expect(gap).toBeGreaterThan(800);
    expect(made).toBeGreaterThan(summaries.length);
  });

  it('tells of a refused plugin although no resource changes', async () => {
    const operator = await startOperator();
    table(operator, 'a', 'default');
    const { expectLatest } = watch(operator);
    await expectLatest({ delegations: [{ causes: [{ summary: 'No plugin of the API Table is registered.' }] }] });
    await registerRefused(operator, 1);
    await expectLatest({
      delegations: [{ causes: [{ summary: expect.stringMatching(/PostgreSQL 1\.0\.0 was refused once: /) }] }],
    });
  });

  it('names insecure settings', async () => {
    const operator = await TestOperator.start({}, { adminAddress: '127.0.0.1:0', allowInsecurePlugins: true });
    const { expectLatest } = watch(operator);
    await expectLatest({ problems: [expect.stringContaining('plugins of the first Kplug are allowed')] });
  });

  it('is refused to a reader that has many open already', async () => {
    const operator = await startOperator();
    const watches = Array.from({ length: 64 }, () => watch(operator));
    await vi.waitFor(() => expect(watches.every(({ summaries }) => summaries.length > 0)).toBe(true), waiting);
    const error = await watch(operator).ended;
    expect(ConnectError.from(error)).toMatchObject({ code: Code.ResourceExhausted });
    watches[0]?.stop.abort();
    await vi.waitFor(async () => {
      const { summaries, stop } = watch(operator);
      await vi.waitFor(() => expect(summaries).toHaveLength(1), { timeout: 1_000 });
      stop.abort();
    }, waiting);
  });
});

describe('a search', () => {
  it('finds resources by each field, in the order of their keys, a part at a time', async () => {
    const operator = await startOperator();
    await operator.plugin({
      name: 'PostgreSQL',
      reconcile: ({ base }) => {
        if (base.metadata.name.startsWith('bad')) throw terminal('no disk', { reason: 'NoDisk' });
      },
    });
    for (const name of ['good-2', 'bad-1', 'good-1']) table(operator, name, 'team');
    table(operator, 'bad-2', 'other');
    const client = adminOf(operator);
    const find = async (request: Parameters<typeof client.searchResources>[0]) => {
      const { resources, total } = await client.searchResources(request);
      return [total, ...resources.map(({ key }) => key.split('/').slice(-2).join('/'))];
    };
    await vi.waitFor(async () => {
      expect(await find({ states: [ResourceState.READY, ResourceState.FAILING], plugin: 'postgresql' })).toEqual([
        ...[4, 'other/bad-2', 'team/bad-1', 'team/good-1', 'team/good-2'],
      ]);
    }, waiting);
    expect(await find({ states: [ResourceState.FAILING] })).toEqual([2, 'other/bad-2', 'team/bad-1']);
    expect(await find({ namespace: 'team', offset: 1, limit: 1 })).toEqual([3, 'team/good-1']);
    expect(await find({ text: 'TEAM no DISK' })).toEqual([1, 'team/bad-1']);
    expect(await find({ delegation: 'others' })).toEqual([0]);
    expect(await find({ plugin: 'MariaDB' })).toEqual([0]);
    expect(await find({ cause: 'unknown' })).toEqual([0]);
    expect(await find({ offset: 10 })).toEqual([4]);
    operator.resources.delete('myorg.org/v1alpha1/Table/other/bad-2');
    table(operator, 'a-new', 'other');
    await vi.waitFor(async () => expect(await find({ namespace: 'other' })).toEqual([1, 'other/a-new']), waiting);
    await expect(client.searchResources({ text: 'x'.repeat(257) })).rejects.toThrow('more than 256 characters');
  });
});
