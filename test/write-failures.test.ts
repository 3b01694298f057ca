import { createClient } from '@connectrpc/connect';
import { createConnectTransport } from '@connectrpc/connect-node';
import { KplugError } from '@kplug/controller';
import { ConditionStatus, DelegationService } from '@kplug/protocol';
import { TestOperator } from '@kplug/testing';
import { pino } from 'pino';
import { describe, expect, it, vi } from 'vitest';

const waiting = { timeout: 10_000, interval: 5 };

/** Lets writes of resources fail until it is mended. */
function breakWrites(
  operator: TestOperator,
  method: 'applyStatus' | 'addFinalizer' | 'removeFinalizer',
  isBroken: (key: string, content: unknown) => KplugError | false = () => noSpace(),
) {
  const original = operator.resources[method].bind(operator.resources) as (...args: unknown[]) => Promise<never>;
  const failedAt: number[] = [];
  const spy = vi.spyOn(operator.resources, method).mockImplementation(async (...args: unknown[]) => {
    const error = isBroken(args[0] as string, args[1]);
    if (!error) return original(...args);
    failedAt.push(performance.now());
    throw error;
  });
  return { failedAt, mend: () => spy.mockRestore() };
}

function noSpace(): KplugError {
  const cause = Object.assign(new Error('no space left on device, write'), { code: 'ENOSPC' });
  return new KplugError('StorageFailed', `The state can't be written: ${cause.message}.`, { cause });
}

async function client(operator: TestOperator) {
  const transport = createConnectTransport({
    baseUrl: `http://${operator.controller.adminAddress}`,
    httpVersion: '1.1',
  });
  return createClient(DelegationService, transport);
}

async function explain(operator: TestOperator, name: string) {
  const delegations = await client(operator);
  return delegations.explainResource({ kind: 'Table', namespace: 'default', name });
}

async function page(operator: TestOperator, path: string): Promise<{ status: number; text: string }> {
  const response = await fetch(`http://${operator.controller.adminAddress}${path}`);
  return { status: response.status, text: await response.text() };
}

async function metric(operator: TestOperator, line: RegExp): Promise<number> {
  const response = await fetch(`http://${operator.controller.adminAddress}/metrics`);
  return Number(line.exec(await response.text())?.[1] ?? 0);
}

describe('a status that cannot be written', () => {
  it('is retried with back-off, without calling the plugin again', async () => {
    const operator = await TestOperator.start({ backOff: { initial: 100, max: 100 } }, { adminAddress: '127.0.0.1:0' });
    const { failedAt, mend } = breakWrites(operator, 'applyStatus', (_, status) => isReady(status) && noSpace());
    operator.table('users');
    let calls = 0;
    await operator.plugin({
      name: 'PostgreSQL',
      reconcile: () => {
        calls++;
        return { status: { by: 'PostgreSQL' }, events: [{ reason: 'Created', message: 'the table was created' }] };
      },
    });
    await vi.waitFor(() => expect(failedAt.length).toBeGreaterThanOrEqual(6), waiting);
    expect((failedAt[5] ?? 0) - (failedAt[0] ?? 0)).toBeGreaterThan(5 * 45);
    expect(calls).toBe(1);

    const { resource, events } = await explain(operator, 'users');
    expect(resource).toMatchObject({ ready: ConditionStatus.FALSE, readyReason: 'StorageFailed' });
    expect(resource?.readyMessage).toContain('no space left on device');
    const reasons = events.map(({ event }) => event?.reason);
    expect(reasons).toContain('StorageFailed');
    expect(reasons).not.toContain('Ready');
    expect(reasons).not.toContain('Created');

    mend();
    await operator.expectReady('users', 'PostgreSQL');
    expect(calls).toBe(1);
    const after = await explain(operator, 'users');
    expect(after.resource).toMatchObject({ ready: ConditionStatus.TRUE, readyReason: 'Ready' });
    expect(after.events.map(({ event }) => event?.reason)).toEqual(expect.arrayContaining(['Ready', 'Created']));
  });

  it('never speaks for the generation of the failed write, and a change of the resource calls the plugin again', async () => {
    const operator = await TestOperator.start();
    operator.table('users', { rows: 1 });
    const called: number[] = [];
    await operator.plugin({
      name: 'PostgreSQL',
      reconcile: ({ base }) => {
        const { rows } = base.spec as { rows: number };
        called.push(rows);
        return { status: { rows } };
      },
    });
    await operator.expectReady('users');
    const { failedAt, mend } = breakWrites(operator, 'applyStatus');
    operator.table('users', { rows: 2 });
    await vi.waitFor(() => expect(failedAt.length).toBeGreaterThan(3), waiting);
    expect(operator.condition('users', 'Ready')).toMatchObject({ observedGeneration: 1 });
    operator.table('users', { rows: 3 });
    const seen = failedAt.length;
    await vi.waitFor(() => expect(failedAt.length).toBeGreaterThan(seen + 3), waiting);
    expect(called).toEqual([1, 2, 3]);
    mend();
    await operator.expectReady('users');
    expect(operator.get('users')?.status).toMatchObject({ rows: 3, observedGeneration: 3 });
    expect(called).toEqual([1, 2, 3]);
  });

  it('of one resource because of its answer is reported there, and harms no other resource', async () => {
    const operator = await TestOperator.start();
    const { failedAt } = breakWrites(operator, 'applyStatus', (key, status) => {
      return (
        key.endsWith('/bad') &&
        'rows' in (status as object) &&
        new KplugError('InvalidResponse', 'the status of Table bad does not match the schema: rows must be an integer')
      );
    });
    const calls = new Map<string, number>();
    await operator.plugin({
      name: 'PostgreSQL',
      reconcile: ({ base: { metadata } }) => {
        calls.set(metadata.name, (calls.get(metadata.name) ?? 0) + 1);
        return { status: { rows: 'many' }, events: [{ reason: 'Created', message: 'the table was created' }] };
      },
    });
    operator.table('bad');
    await operator.expectCondition('bad', 'Ready', {
      status: 'False',
      reason: 'InvalidResponse',
      message: 'the status of Table bad does not match the schema: rows must be an integer',
    });
    await operator.expectCondition('bad', 'Reconciled', { status: 'False', observedGeneration: 1 });
    for (const name of ['users', 'orders']) operator.table(name);
    for (const name of ['users', 'orders']) await operator.expectReady(name);
    await vi.waitFor(() => expect(failedAt.length).toBeGreaterThan(3), waiting);
    expect(calls.get('bad')).toBe(1);
  });
});

it('a plugin is not called while the finalizer cannot be written', async () => {
  const operator = await TestOperator.start({ backOff: { initial: 100, max: 100 } });
  const { failedAt, mend } = breakWrites(operator, 'addFinalizer');
  operator.table('users');
  let calls = 0;
  await operator.plugin({ name: 'PostgreSQL', reconcile: () => ({ status: { calls: ++calls } }) });
  await vi.waitFor(() => expect(failedAt.length).toBeGreaterThanOrEqual(6), waiting);
  expect((failedAt[5] ?? 0) - (failedAt[0] ?? 0)).toBeGreaterThan(5 * 45);
  expect(calls).toBe(0);
  mend();
  await operator.expectReady('users');
  expect(calls).toBe(1);
});

it('finalize is called once while the finalizer cannot be removed', async () => {
  const operator = await TestOperator.start();
  operator.table('users');
  let finalized = 0;
  await operator.plugin({ name: 'PostgreSQL', finalize: () => void finalized++ });
  await operator.expectReady('users');
  const { failedAt, mend } = breakWrites(operator, 'removeFinalizer');
  operator.delete('users');
  await vi.waitFor(() => expect(failedAt.length).toBeGreaterThan(4), waiting);
  expect(finalized).toBe(1);
  mend();
  await vi.waitFor(() => expect(operator.get('users')).toBeUndefined(), waiting);
  expect(finalized).toBe(1);
});

it('resources whose writes fail with one cause are held, logged once, and reconciled when writes succeed again', async () => {
  const lines: { msg: string }[] = [];
  const logger = pino({ level: 'error' }, { write: (line: string) => lines.push(JSON.parse(line)) });
  const operator = await TestOperator.start(
    { concurrency: 2, backOff: { initial: 50, max: 60_000 } },
    { logger, adminAddress: '127.0.0.1:0' },
  );
  const { failedAt, mend } = breakWrites(operator, 'applyStatus');
  const called = new Map<string, number>();
  await operator.plugin({
    name: 'PostgreSQL',
    reconcile: ({ base: { metadata } }) => {
      called.set(metadata.name, (called.get(metadata.name) ?? 0) + 1);
      return { status: {} };
    },
  });
  const names = Array.from({ length: 100 }, (_, index) => `table-${index}`);
  for (const name of names) operator.table(name);
  await vi.waitFor(() => expect(failedAt.length).toBeGreaterThan(12), waiting);
  // The threshold, the concurrent passes, and a few probes.
  expect(called.size).toBeLessThan(15);
  expect([...called.values()].every((count) => count === 1)).toBe(true);
  expect(lines.map(({ msg }) => msg)).toEqual([
    "pass failed: The state can't be written: no space left on device, write.; retrying",
  ]);
  const failures = /^kplug_write_failures_total\{delegation="tables",reason="ENOSPC"\} (\d+)$/m;
  expect(await metric(operator, failures)).toBeGreaterThan(12);
  const { resource } = await explain(operator, 'table-99');
  expect(resource).toMatchObject({ ready: ConditionStatus.FALSE, readyReason: 'StorageFailed' });

  const problem =
    /^writes fail for \d+ resources, and \d+ others wait until they succeed: The state can't be written: no space/;
  const { delegations } = await (await client(operator)).listDelegations({});
  expect(delegations).toMatchObject([
    { problemReason: 'StorageFailed', problemMessage: expect.stringMatching(problem) },
  ]);
  expect(await metric(operator, /^kplug_write_breaker_open\{delegation="tables",reason="ENOSPC"\} (\d+)$/m)).toBe(1);
  const heldResources = /^kplug_held_resources\{delegation="tables",reason="ENOSPC"\} (\d+)$/m;
  expect(await metric(operator, heldResources)).toBeGreaterThan(80);
  // The heartbeat Service keeps its endpoint, as nothing else would write more.
  expect(await page(operator, '/readyz')).toEqual({ status: 200, text: 'ok\n' });
  const verbose = await page(operator, '/readyz?verbose');
  expect(verbose.status).toBe(200);
  expect(verbose.text).toMatch(
    /^\[!\]writes degraded: delegation tables: StorageFailed: writes fail for \d+ resources/m,
  );

  mend();
  const held = names.filter((name) => !called.has(name));
  for (const name of held) await operator.expectReady(name);
  expect(held.length).toBeGreaterThan(80);
  expect((await (await client(operator)).listDelegations({})).delegations).toMatchObject([{ problemReason: '' }]);
  expect((await page(operator, '/readyz?verbose')).text).toBe('[+]controller ok\n[+]writes ok\nreadyz check passed\n');
  expect(await metric(operator, heldResources)).toBe(0);
}, 40_000);

function isReady(status: unknown): boolean {
  return JSON.stringify(status).includes('"Succeeded"');
}
