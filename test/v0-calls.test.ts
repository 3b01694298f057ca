import { setTimeout as delay } from 'node:timers/promises';
import { createClient } from '@connectrpc/connect';
import { createConnectTransport } from '@connectrpc/connect-node';
import { Controller } from '@kplug/controller';
import { MemoryResources } from '@kplug/controller/memory';
import { DelegationService } from '@kplug/protocol';
import { type ReadResource, TestOperator, V0Plugin } from '@kplug/testing';
import { pino } from 'pino';
import { describe, expect, it, onTestFinished, vi } from 'vitest';

const waiting = { timeout: 10_000, interval: 10 };

const names = Array.from({ length: 20 }, (_, index) => `table-${index}`);

async function startOperator(
  delegation: ConstructorParameters<typeof TestOperator>[0] = {},
  options: ConstructorParameters<typeof TestOperator>[1] = {},
) {
  const log: { reason?: string; msg: string }[] = [];
  const logger = pino({ level: 'info' }, { write: (line: string) => void log.push(JSON.parse(line)) });
  const operator = await TestOperator.start(delegation, { allowInsecurePlugins: true, logger, ...options });
  return { operator, log };
}

/** Parser that, like that of the first Kplug's Python SDK, is shared by all calls and mixes up concurrent ones. */
class SharedParser {
  #current: string | undefined;

  async parse(base: ReadResource): Promise<string> {
    this.#current = base.metadata.name;
    await delay(2);
    const { name } = base.metadata;
    if (this.#current !== name) throw new Error(`the parser was given ${this.#current} while it read ${name}`);
    return this.#current;
  }
}

describe('calls to an instance of the first Kplug', () => {
  it('are made one at a time by default, for creation and deletion', async () => {
    const { operator } = await startOperator();
    const parser = new SharedParser();
    const plugin = await V0Plugin.start(operator, {
      name: 'Old',
      create: async (base) => [{ parsed: await parser.parse(base) }],
    });
    for (const name of names) operator.table(name);
    for (const name of names) await operator.expectReady(name, 'Old');
    for (const name of names) expect(operator.get(name)?.status).toMatchObject({ parsed: name });
    expect(plugin.calls).toHaveLength(names.length);
    expect(plugin.maxConcurrent).toBe(1);
    for (const name of names) operator.delete(name);
    await vi.waitFor(() => expect(names.filter((name) => operator.get(name))).toEqual([]), waiting);
  });

  it('are as many at a time as the delegation says', async () => {
    const { operator } = await startOperator({ v0Concurrency: 4 });
    const release = Promise.withResolvers<void>();
    const plugin = await V0Plugin.start(operator, {
      name: 'Old',
      create: async () => {
        await release.promise;
        return [{}];
      },
    });
    for (const name of names) operator.table(name);
    await vi.waitFor(() => expect(plugin.maxConcurrent).toBe(4), waiting);
    release.resolve();
    for (const name of names) await operator.expectReady(name, 'Old');
    expect(plugin.maxConcurrent).toBe(4);
  });

  it('are limited for all APIs that a process registers together', async () => {
    const apiVersion = 'myorg.org/v1alpha1';
    const resources = new MemoryResources();
    const apis = ['Table', 'View'];
    const controller = new Controller({
      resources,
      delegations: apis.map((kind) => ({ name: kind.toLowerCase(), base: { apiVersion, kind }, api: kind })),
      ...{ heartbeatAddress: '127.0.0.1:0', adminAddress: false, allowInsecurePlugins: true },
      logger: pino({ level: 'silent' }),
    });
    onTestFinished(() => controller.stop());
    await controller.start();
    const plugin = await V0Plugin.start(
      { controller },
      {
        name: 'Old',
        otherApis: ['View'],
        create: async () => {
          await delay(2);
          return [{ done: true }];
        },
      },
    );
    for (const kind of apis) for (const name of names) resources.apply({ apiVersion, kind, metadata: { name } });
    const done = () =>
      apis.flatMap((kind) => [...resources.list({ apiVersion, kind })]).filter(({ status }) => status?.done);
    await vi.waitFor(() => expect(done()).toHaveLength(2 * names.length), waiting);
    expect(plugin.maxConcurrent).toBe(1);
  });

  it('have the whole deadline each, however long they wait in line', async () => {
    const { operator, log } = await startOperator({ deadline: 1_000 });
    const plugin = await V0Plugin.start(operator, {
      name: 'Old',
      create: async () => {
        await delay(200);
        return [{}];
      },
    });
    const some = names.slice(0, 8);
    for (const name of some) operator.table(name);
    for (const name of some) await operator.expectReady(name, 'Old');
    expect(plugin.calls).toHaveLength(some.length);
    expect(log.map(({ reason }) => reason)).not.toContain('DeadlineExceeded');
  });

  it('spread over the instances of a plugin', async () => {
    const { operator } = await startOperator();
    const create = async () => {
      await delay(5);
      return [{}] as [object];
    };
    const plugins = [
      await V0Plugin.start(operator, { name: 'Old', create }),
      await V0Plugin.start(operator, { name: 'Old', create }),
    ];
    for (const name of names) operator.table(name);
    for (const name of names) await operator.expectReady(name, 'Old');
    for (const { calls, maxConcurrent } of plugins) {
      expect(calls.length).toBeGreaterThan(3);
      expect(maxConcurrent).toBe(1);
    }
  });

  it('that wait go to another instance when theirs stops', async () => {
    const { operator } = await startOperator();
    const hung = await V0Plugin.start(operator, { name: 'Old', create: () => new Promise<never>(() => undefined) });
    for (const name of names.slice(0, 4)) operator.table(name);
    await vi.waitFor(() => expect(hung.calls).toHaveLength(1), waiting);
    await V0Plugin.start(operator, { name: 'Old' });
    hung.stop();
    for (const name of names.slice(0, 4)) await operator.expectReady(name, 'Old');
    expect(hung.calls).toHaveLength(1);
  });

  it('that wait are not made when the controller stops, and report nothing', async () => {
    const { operator } = await startOperator({}, { adminAddress: '127.0.0.1:0' });
    const release = Promise.withResolvers<[object]>();
    const plugin = await V0Plugin.start(operator, { name: 'Old', create: () => release.promise });
    for (const name of names) operator.table(name);
    await vi.waitFor(() => expect(plugin.calls).toHaveLength(1), waiting);
    await vi.waitFor(async () => {
      const metrics = await fetch(`http://${operator.controller.adminAddress}/metrics`);
      expect(await metrics.text()).toMatch(/^kplug_waiting_calls 19$/m);
    }, waiting);
    const stopped = operator.controller.stop();
    release.resolve([{ done: true }]);
    await stopped;
    expect(plugin.calls).toHaveLength(1);
    const statuses = names.map((name) => operator.get(name)?.status);
    expect(statuses.filter((status) => status?.done)).toHaveLength(1);
    expect(JSON.stringify(statuses)).not.toContain('Stopped');
  });
});

/** Like the examples of the first Kplug: `create` does all the work, and `update` does nothing. */
const createOnly = {
  name: 'Old',
  create: ({ spec = {} }: ReadResource) => [{ columns: spec.columns }] as [object],
  update: () => undefined,
};

describe('a plugin of the first Kplug that works in create only', () => {
  it('makes each change of the spec by default', async () => {
    const { operator, log } = await startOperator();
    const plugin = await V0Plugin.start(operator, createOnly);
    for (const columns of [1, 2, 3]) {
      operator.table('users', { columns });
      await operator.expectReady('users', 'Old');
      expect(operator.get('users')?.status).toMatchObject({ columns });
    }
    expect(plugin.calls).toEqual(['create', 'create', 'create']);
    expect(log.map(({ reason }) => reason)).not.toContain('UpdatedWithoutAnswer');
  });

  it('is reported when update returns nothing for a changed spec', async () => {
    const { operator, log } = await startOperator(
      { v0Calls: 'createThenUpdate', resync: 50 },
      { adminAddress: '127.0.0.1:0' },
    );
    const plugin = await V0Plugin.start(operator, createOnly);
    for (const name of ['users', 'orders']) operator.table(name, { columns: 1 });
    for (const name of ['users', 'orders']) await operator.expectReady(name, 'Old');
    // An update without a change may return nothing.
    await vi.waitFor(() => expect(plugin.calls.length).toBeGreaterThan(6), waiting);
    expect(log.map(({ reason }) => reason)).not.toContain('UpdatedWithoutAnswer');

    for (const name of ['users', 'orders']) operator.table(name, { columns: 2 });
    const warned = { status: 'True', reason: 'UpdatedWithoutAnswer', observedGeneration: 2 };
    for (const name of ['users', 'orders']) await operator.expectCondition(name, 'created.kplug.dev/Old', warned);
    const { message } = operator.condition('users', 'created.kplug.dev/Old') ?? {};
    expect(message).toMatch(/^update of Old returned nothing for a changed spec; .*"v0Calls: createAlways"/);
    expect(operator.condition('users', 'Reconciled')?.message).toContain(message);
    // The warning stays while nothing is returned, with one Event for each change.
    const seen = plugin.calls.length;
    await vi.waitFor(() => expect(plugin.calls.length).toBeGreaterThan(seen + 4), waiting);
    expect(operator.condition('users', 'created.kplug.dev/Old')).toMatchObject(warned);
    const events = await eventsOf(operator, 'users');
    expect(events.filter(({ event }) => event?.reason === 'UpdatedWithoutAnswer')).toMatchObject([{ count: 1 }]);
    expect(log.filter(({ reason }) => reason === 'UpdatedWithoutAnswer')).toHaveLength(1);
  });

  it('is not reported when update returns something', async () => {
    const { operator, log } = await startOperator({ v0Calls: 'createThenUpdate' });
    const plugin = await V0Plugin.start(operator, { ...createOnly, update: createOnly.create });
    operator.table('users', { columns: 1 });
    await operator.expectReady('users', 'Old');
    operator.table('users', { columns: 2 });
    await operator.expectReady('users', 'Old');
    expect(operator.get('users')?.status).toMatchObject({ columns: 2 });
    expect(operator.condition('users', 'created.kplug.dev/Old')).toMatchObject({ reason: 'Created' });
    expect(plugin.calls).toEqual(['create', 'update']);
    expect(log.map(({ reason }) => reason)).not.toContain('UpdatedWithoutAnswer');
  });
});

async function eventsOf(operator: TestOperator, name: string) {
  const baseUrl = `http://${operator.controller.adminAddress}`;
  const client = createClient(DelegationService, createConnectTransport({ baseUrl, httpVersion: '1.1' }));
  const { events } = await client.explainResource({ kind: 'Table', namespace: 'default', name });
  return events;
}
