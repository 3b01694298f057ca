import { createClient } from '@connectrpc/connect';
import { createConnectTransport } from '@connectrpc/connect-node';
import { DelegationService } from '@kplug/protocol';
import { TestOperator } from '@kplug/testing';
import { pino } from 'pino';
import { expect, it, onTestFinished, vi } from 'vitest';

const waiting = { timeout: 15_000, interval: 5 };
const suspendedSince =
  /^Hung 1\.0\.0 has been suspended since \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ, as calls of Reconcile for 3 resources in a row timed out; next probe at \d{4}-/;

const breaker = { timeouts: 3, coolDown: '300ms' };
const delegation = { deadline: '200ms', concurrency: 4, breaker };

/** Plugin that doesn't answer in time until it is mended. */
async function hungPlugin(operator: TestOperator, method: 'reconcile' | 'finalize' = 'reconcile', name = 'Hung') {
  const calls: string[] = [];
  let isHung = true;
  let active = 0;
  let maxActive = 0;
  const running = await operator.plugin({
    name,
    [method]: async ({ base, signal }: { base: { metadata: { name: string } }; signal: AbortSignal }) => {
      calls.push(base.metadata.name);
      active++;
      maxActive = Math.max(maxActive, active);
      if (isHung) await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
      active--;
      return undefined;
    },
  });
  onTestFinished(() => {
    isHung = false;
  });
  const mend = () => {
    isHung = false;
  };
  const resetMaxActive = () => {
    maxActive = active;
  };
  return { running, calls, mend, resetMaxActive, maxActive: () => maxActive };
}

function tables(operator: TestOperator, count: number, spec = {}): string[] {
  const names = Array.from({ length: count }, (_, index) => `table-${index}`);
  for (const name of names) operator.table(name, spec);
  return names;
}

async function explain(operator: TestOperator, name: string) {
  const baseUrl = `http://${operator.controller.adminAddress}`;
  const client = createClient(DelegationService, createConnectTransport({ baseUrl, httpVersion: '1.1' }));
  return client.explainResource({ kind: 'Table', namespace: 'default', name });
}

async function suspendedMetric(operator: TestOperator): Promise<string | undefined> {
  const response = await fetch(`http://${operator.controller.adminAddress}/metrics`);
  return /^kplug_plugin_suspended\{.*$/m.exec(await response.text())?.[0];
}

it('a plugin whose calls time out gets no calls but probes; its resources say why they wait, and are resumed', async () => {
  const lines: { msg: string; level: number }[] = [];
  const logger = pino({ level: 'info' }, { write: (line: string) => lines.push(JSON.parse(line)) });
  const operator = await TestOperator.start(delegation, { logger, adminAddress: '127.0.0.1:0' });
  const { calls, mend, resetMaxActive, maxActive } = await hungPlugin(operator);
  const names = tables(operator, 40);
  const isWaiting = (name: string) => operator.condition(name, 'Ready')?.reason === 'PluginSuspended';
  await vi.waitFor(() => expect(names.filter(isWaiting).length).toBeGreaterThan(30), waiting);
  const [waits = ''] = names.filter((name) => isWaiting(name) && !calls.includes(name));
  expect(operator.condition(waits, 'Ready')).toMatchObject({ status: 'False' });
  expect(operator.condition(waits, 'Ready')?.message).toMatch(suspendedSince);
  expect(operator.condition(waits, 'Reconciled')).toMatchObject({ status: 'Unknown', reason: 'PluginSuspended' });

  // One call at a time, with a delay that grows.
  await vi.waitFor(() => expect(names.every(isWaiting)).toBe(true), waiting);
  resetMaxActive();
  const before = calls.length;
  await vi.waitFor(() => expect(calls.length).toBeGreaterThanOrEqual(before + 2), waiting);
  expect(maxActive()).toBe(1);
  expect(before).toBeLessThan(20);

  const { candidates, resource } = await explain(operator, waits);
  expect(resource?.readyReason).toBe('PluginSuspended');
  expect(candidates[0]?.message).toMatch(/^chosen; Hung 1\.0\.0 has been suspended since .*(next probe at|a probe is)/);
  expect(await suspendedMetric(operator)).toBe(
    'kplug_plugin_suspended{delegation="tables",plugin="Hung",method="Reconcile"} 1',
  );

  mend();
  for (const name of names) await operator.expectReady(name, 'Hung');
  expect(await suspendedMetric(operator)).toBeUndefined();
  expect((await explain(operator, waits)).candidates[0]?.message).toBe('chosen');
  const logged = lines.filter(({ msg }) => /suspended|again/.test(msg));
  expect(logged).toMatchObject([
    { level: 40, msg: expect.stringMatching(suspendedSince) },
    { level: 30, msg: expect.stringMatching(/^Hung 1\.0\.0 answers calls of Reconcile again; \d+ waiting resources/) },
  ]);
});

it('an answer of any sort, also a failure, keeps a plugin in use', async () => {
  const operator = await TestOperator.start(delegation);
  let calls = 0;
  await operator.plugin({
    name: 'Slow',
    reconcile: async ({ base, signal }) => {
      calls++;
      if (base.metadata.name === 'failing') throw new Error('it is out of order');
      await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
    },
  });
  operator.table('failing');
  const names = tables(operator, 2);
  await vi.waitFor(() => expect(calls).toBeGreaterThan(12), waiting);
  for (const name of names) await operator.expectCondition(name, 'Ready', { reason: 'DeadlineExceeded' });
});

it('an instance that hangs gets no calls while another one of its plugin answers, which is not suspended', async () => {
  const operator = await TestOperator.start(delegation);
  const { calls } = await hungPlugin(operator);
  await operator.plugin({ name: 'Hung' });
  for (const name of tables(operator, 60)) await operator.expectReady(name, 'Hung');
  expect(calls.length).toBeLessThan(12);
});

it('a new instance of a suspended plugin is probed immediately', async () => {
  const operator = await TestOperator.start({
    ...delegation,
    deadline: '1s',
    breaker: { timeouts: 3, coolDown: '1h' },
  });
  const { running } = await hungPlugin(operator);
  const names = tables(operator, 10);
  await operator.expectCondition('table-9', 'Ready', { reason: 'PluginSuspended' });
  await operator.plugin({ name: 'Hung' });
  await running.stop();
  for (const name of names) await operator.expectReady(name, 'Hung');
});

it('a new version of a suspended plugin is chosen instead, although there is no fallback', async () => {
  const operator = await TestOperator.start({
    ...delegation,
    deadline: '1s',
    breaker: { timeouts: 3, coolDown: '1h' },
  });
  await hungPlugin(operator);
  const names = tables(operator, 10, { preferredImplementation: 'Hung' });
  await operator.expectCondition('table-9', 'Ready', { reason: 'PluginSuspended' });
  await operator.plugin({ name: 'Hung', version: '1.0.1' });
  for (const name of names) await operator.expectReady(name, 'Hung');
  expect(operator.get('table-9')?.status).toMatchObject({ plugin: { version: '1.0.1' } });
});

it('the resources of a suspended plugin go to the fallback if the delegation says so, and return', async () => {
  const operator = await TestOperator.start(
    { ...delegation, breaker: { ...breaker, fallback: true } },
    { adminAddress: '127.0.0.1:0' },
  );
  const { mend } = await hungPlugin(operator);
  await operator.plugin({ name: 'Other' });
  const names = tables(operator, 12, { preferredImplementation: 'Hung' });
  await vi.waitFor(() => {
    const diverted = names.filter((name) => operator.get(name)?.status?.implementation === 'Other');
    expect(diverted.length).toBeGreaterThan(8);
  }, waiting);
  const [diverted = ''] = names.filter((name) => operator.condition(name, 'PluginSelected')?.reason === 'Fallback');
  expect(operator.condition(diverted, 'PluginSelected')?.message).toMatch(
    /^Other 1\.0\.0 is the fallback for Hung: Hung 1\.0\.0: it has been suspended since .* timed out$/,
  );
  const { candidates } = await explain(operator, diverted);
  expect(candidates.find(({ plugin }) => plugin === 'Hung')).toMatchObject({ reason: 'Suspended', chosen: false });
  mend();
  for (const name of names) await operator.expectReady(name, 'Hung');
});

it('deletions wait while Finalize of their plugin times out, and say so; Reconcile is called as before', async () => {
  const operator = await TestOperator.start(delegation);
  const { calls, mend } = await hungPlugin(operator, 'finalize');
  const names = tables(operator, 12);
  for (const name of names) await operator.expectReady(name);
  for (const name of names) operator.delete(name);
  const isWaiting = (name: string) => operator.condition(name, 'Finalized')?.reason === 'PluginSuspended';
  await vi.waitFor(() => expect(names.filter(isWaiting).length).toBeGreaterThan(6), waiting);
  const [waits = ''] = names.filter(isWaiting);
  expect(operator.condition(waits, 'Ready')?.message).toMatch(
    /^Hung 1\.0\.0 has been suspended since .* Finalize for 3/,
  );
  expect(calls.length).toBeLessThan(12);
  operator.table('new');
  await operator.expectReady('new', 'Hung');
  mend();
  await vi.waitFor(() => expect(names.filter((name) => operator.get(name))).toEqual([]), waiting);
});

it('other plugins reconcile as before when every plugin reconciles each resource and one is suspended', async () => {
  const operator = await TestOperator.start({ ...delegation, selection: { mode: 'all' } });
  const { mend } = await hungPlugin(operator);
  let calls = 0;
  await operator.plugin({ name: 'Sound', reconcile: () => ({ status: { calls: ++calls } }) });
  const names = tables(operator, 12);
  await operator.expectCondition('table-11', 'Ready', { status: 'False', reason: 'PluginSuspended' });
  expect(operator.get('table-11')?.status?.implementations).toMatchObject({ Sound: { calls: expect.any(Number) } });
  mend();
  for (const name of names) await operator.expectReady(name);
});
