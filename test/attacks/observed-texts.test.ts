// Attacks on who looks at a running operator by the texts and the amount of what plugins make it record.
import { createClient } from '@connectrpc/connect';
import { createConnectTransport } from '@connectrpc/connect-node';
import * as grpc from '@grpc/grpc-js';
import { createGrpcClient, EventType, LoadService, Outcome, RegistryService } from '@kplug/protocol';
import { TestOperator } from '@kplug/testing';
import { kplug } from '@kplug/testing/kplug';
import { expect, it, onTestFinished, vi } from 'vitest';
import { rawPlugin } from '../raw-plugin.ts';
import { longestBlock, unitOfWork } from '../scale/loop-meter.fixture.ts';
import { expectPrintable, hostile } from './hostile-text.fixture.ts';
import { owner } from './owner.fixture.ts';

/** Longest time that the event loop may be blocked, in units of a computation that takes about a millisecond. */
const maxBlock = 50;

const waiting = { timeout: 10_000, interval: 20 };

/** Starts an operator with an admin port, an honest plugin and the resources `victim` and `honest`. */
async function watchedOperator(options: ConstructorParameters<typeof TestOperator>[1] = {}) {
  const operator = await TestOperator.start({ minRequeueInterval: 1 }, { adminAddress: '127.0.0.1:0', ...options });
  await operator.plugin({
    name: 'Honest',
    reconcile: ({ base }) => ({
      status: { n: (base.spec as { n: number }).n },
      events: [{ reason: 'Done', message: 'done' }],
    }),
  });
  const expectHonest = async (n: number) => {
    operator.table('honest', { preferredImplementation: 'Honest', n });
    await vi.waitFor(() => expect(operator.get('honest')?.status).toMatchObject({ n }), waiting);
  };
  const ask = (...args: string[]) =>
    kplug([...args, '--admin', operator.controller.adminAddress], { env: { NO_COLOR: '1' } });
  return { operator, expectHonest, ask };
}

// Without the escapes, the Event of a plugin forges rows of other resources, and takes over the terminal of who lists them.
it('texts of Events are printed on one line each, with nothing that a terminal obeys', async () => {
  const { operator, expectHonest, ask } = await watchedOperator();
  await rawPlugin(operator, () => ({
    outcome: Outcome.SUCCESS,
    events: [{ type: EventType.WARNING, reason: 'Hostile', message: hostile }],
  }));
  operator.table('victim', { preferredImplementation: 'Raw' });
  await operator.expectReady('victim', 'Raw');
  await expectHonest(1);
  const table = await ask('events');
  for (const { code, stdout, stderr } of [table, await ask('events', 'table/victim', '-o', 'json')]) {
    expect(code).toBe(0);
    expectPrintable(stdout + stderr);
    expect(stdout).toContain('Hostile');
  }
  const { stdout } = table;
  for (const line of stdout.trimEnd().split('\n')) expect(line).toMatch(/^(LAST SEEN|\d+[smh]( \(x\d+\))?) {3}/);
  expect(stdout).not.toMatch(/^.*Table\/forged +all is well$/m);
});

// Without the bounds, a plugin fills the memory of the operator and the answer of each request with Events.
it('a plugin that records new Events all the time has the last twenty of them listed, and others are served', async () => {
  const { operator, expectHonest, ask } = await watchedOperator();
  let calls = 0;
  await rawPlugin(operator, () => {
    calls++;
    const message = 'm'.repeat(2_000);
    const events = Array.from({ length: 50 }, (_, index) => ({
      reason: 'Flood',
      message: `${calls}-${index} ${message}`,
    }));
    return { outcome: Outcome.RETRY, events };
  });
  operator.table('victim', { preferredImplementation: 'Raw' });
  const block = await longestBlock(async () => {
    await vi.waitFor(() => expect(calls).toBeGreaterThan(20), waiting);
    await expectHonest(1);
  });
  expect(block / unitOfWork()).toBeLessThan(maxBlock);
  const { events } = JSON.parse((await ask('events', 'table/victim', '-o', 'json')).stdout);
  expect(events).toHaveLength(20);
  for (const { event } of events) expect(event.message.length).toBeLessThanOrEqual(1_024);
  await expectHonest(2);
});

// Without the limit, a plugin of many names fills the memory with their counts, and each answer with their rows.
it('a plugin that registers under many names has a limited number of them counted, and others are served', async () => {
  // As many names as several hosts may register.
  const registryQuota = { maxPluginsPerHost: 5_000 };
  const { operator, expectHonest } = await watchedOperator({
    lease: { interval: 30_000, ttl: 600_000 },
    registryQuota,
  });
  await expectHonest(1);
  const client = createGrpcClient(
    RegistryService,
    operator.controller.heartbeatAddress,
    grpc.credentials.createInsecure(),
  );
  onTestFinished(() => client.$client.close());
  const register = (index: number) => {
    const apis = [{ name: 'Table', version: '1.0.0' }];
    const registration = {
      plugin: `P${index}`,
      version: '1.0.0',
      apis,
      address: '127.0.0.1:9',
      instanceId: `p${index}`,
    };
    return client.heartbeat({ registration }, { metadata: owner });
  };
  const names = 1_500;
  for (let index = 0; index < names; index += 50)
    await Promise.all(Array.from({ length: 50 }, (_, one) => register(index + one)));
  const transport = createConnectTransport({
    baseUrl: `http://${operator.controller.adminAddress}`,
    httpVersion: '1.1',
  });
  const load = createClient(LoadService, transport);
  const block = await longestBlock(async () => {
    for (let round = 0; round < 20; round++) {
      const { plugins, dropped } = await load.getLoad({});
      expect([plugins.length, plugins[0]?.plugin]).toEqual([1_000, 'Honest']);
      expect(dropped).toBeGreaterThan(0);
    }
    await expectHonest(2);
  });
  expect(block / unitOfWork()).toBeLessThan(maxBlock);
});
