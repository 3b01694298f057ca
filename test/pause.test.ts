import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createClient } from '@connectrpc/connect';
import { createConnectTransport } from '@connectrpc/connect-node';
import { Controller, type JsonObject } from '@kplug/controller';
import { openDirectory } from '@kplug/controller/directory';
import { DelegationService } from '@kplug/protocol';
import { definePlugin } from '@kplug/sdk';
import { keyFor, reference, TestOperator } from '@kplug/testing';
import { pino } from 'pino';
import { describe, expect, it, onTestFinished, vi } from 'vitest';

const apiVersion = 'myorg.org/v1alpha1';
const waitOptions = { timeout: 10_000, interval: 5 };
const annotation = 'kplug.dev/paused';

interface TableOptions {
  paused?: string;
  annotations?: Record<string, string>;
  labels?: Record<string, string>;
  spec?: JsonObject;
}

function apply(operator: TestOperator, { paused, annotations, labels, spec = {} }: TableOptions = {}, name = 'users') {
  const all = { ...annotations, ...(paused !== undefined && { [annotation]: paused }) };
  return operator.resources.apply({
    apiVersion,
    kind: 'Table',
    metadata: { name, ...(labels && { labels }), ...(Object.keys(all).length > 0 && { annotations: all }) },
    spec,
  });
}

/** An operator with a plugin that records its calls. */
async function start(...args: ConstructorParameters<typeof TestOperator>) {
  const operator = await TestOperator.start(...args);
  const calls: string[] = [];
  const plugin = await operator.plugin({
    name: 'Keeper',
    reconcile: ({ base }) => void calls.push(`reconcile ${base.metadata.name}`),
    finalize: ({ base }) => void calls.push(`finalize ${base.metadata.name}`),
  });
  const expectPaused = (message: RegExp) =>
    operator.expectCondition('users', 'Paused', {
      status: 'True',
      reason: 'Paused',
      message: expect.stringMatching(message) as string,
    });
  return { operator, plugin, calls, expectPaused };
}

describe('the annotation kplug.dev/paused', () => {
  it('stops calls and keeps what was reported, until a change of it leads to a pass', async () => {
    const { operator, calls, expectPaused } = await start({ resync: '200ms' });
    apply(operator);
    await operator.expectReady('users');
    apply(operator, { paused: 'true' });
    await expectPaused(/kplug\.dev\/paused: no plugin is called .*; remove the annotation to resume$/);
    await operator.controller.whenIdle();
    const before = { calls: calls.length, ready: operator.condition('users', 'Ready') };
    expect(before.ready).toMatchObject({ status: 'True' });

    apply(operator, { paused: 'true', spec: { columns: 2 } });
    await operator.controller.whenIdle();
    expect(operator.condition('users', 'Ready')).toEqual(before.ready);
    // Tools that wait for the new generation see that it isn't reconciled.
    expect(operator.get('users')).toMatchObject({ metadata: { generation: 2 }, status: { observedGeneration: 1 } });
    expect(calls).toHaveLength(before.calls);

    apply(operator, { spec: { columns: 2 } });
    await operator.expectReady('users');
    expect(operator.condition('users', 'Paused')).toBeUndefined();
    expect(calls).toHaveLength(before.calls + 1);
    expect(operator.get('users')?.status).toMatchObject({ observedGeneration: 2 });
  });

  it('keeps a new resource from everything: no call, no finalizer, and it can be deleted', async () => {
    const { operator, calls, expectPaused } = await start();
    apply(operator, { paused: 'true' });
    await expectPaused(/no plugin is called/);
    expect(operator.get('users')?.metadata.finalizers).toBeUndefined();
    expect(operator.condition('users', 'Ready')).toBeUndefined();
    operator.delete('users');
    expect(operator.get('users')).toBeUndefined();
    await operator.controller.whenIdle();
    expect(calls).toEqual([]);
  });

  it('holds a deletion, which says so, and lets it proceed afterwards', async () => {
    const { operator, calls, expectPaused } = await start();
    apply(operator);
    await operator.expectReady('users');
    apply(operator, { paused: 'true' });
    await expectPaused(/no plugin is called/);
    operator.delete('users');
    await expectPaused(/its deletion waits/);
    await operator.controller.whenIdle();
    expect(operator.condition('users', 'Finalized')).toMatchObject({ status: 'False', reason: 'Paused' });
    expect(operator.condition('users', 'Ready')).toMatchObject({ status: 'True' });
    expect(calls.filter((call) => call.startsWith('finalize'))).toEqual([]);

    apply(operator);
    await vi.waitFor(() => expect(operator.get('users')).toBeUndefined(), waitOptions);
    expect(calls.at(-1)).toBe('finalize users');
  });

  it('leaves dependents alone, also deleted ones, until the resource is resumed', async () => {
    const view = { apiVersion, kind: 'View' };
    const operator = await TestOperator.start({ dependents: { kinds: [view] } });
    await operator.plugin({
      name: 'Keeper',
      reconcile: () => ({ dependents: [{ ...view, metadata: { name: 'users' }, spec: {} }] }),
    });
    apply(operator);
    await operator.expectReady('users');
    apply(operator, { paused: 'true' });
    await operator.expectCondition('users', 'Paused', { status: 'True' });
    operator.resources.delete(keyFor('View', 'users'));
    await operator.controller.whenIdle();
    expect(operator.get('users', 'View')).toBeUndefined();
    apply(operator);
    await vi.waitFor(() => expect(operator.get('users', 'View')).toBeDefined(), waitOptions);
  });

  it('discards the answer of a call in progress', async () => {
    const started = Promise.withResolvers<void>();
    const released = Promise.withResolvers<void>();
    const view = { apiVersion, kind: 'View' };
    const operator = await TestOperator.start({ dependents: { kinds: [view] } });
    let calls = 0;
    await operator.plugin({
      name: 'Slow',
      reconcile: async () => {
        calls += 1;
        started.resolve();
        await released.promise;
        return { dependents: [{ ...view, metadata: { name: 'users' }, spec: {} }] };
      },
    });
    apply(operator);
    await started.promise;
    apply(operator, { paused: 'true' });
    released.resolve();
    await operator.expectCondition('users', 'Paused', { status: 'True' });
    await operator.controller.whenIdle();
    expect(operator.get('users', 'View')).toBeUndefined();
    expect(calls).toBe(1);
  });

  it('excludes a resource from plugin swaps, extensions and the queue', async () => {
    const { operator, plugin, calls, expectPaused } = await start({}, { adminAddress: '127.0.0.1:0' });
    const spec = { references: [reference('Options', 'options')] } as JsonObject;
    operator.extension('Options', 'options');
    for (const name of ['users', 'other']) {
      apply(operator, { spec }, name);
      await operator.expectReady(name);
    }
    apply(operator, { spec, paused: 'true' });
    await expectPaused(/no plugin is called/);
    await operator.controller.whenIdle();
    const passes: string[] = [];
    await operator.resources.follow({ apiVersion, kind: 'Table' }, ({ resource }) => {
      passes.push(resource.metadata.name);
    });
    passes.length = 0;
    const baseUrl = `http://${operator.controller.adminAddress}`;
    const metrics = async () => (await fetch(`${baseUrl}/metrics`)).text();
    const pausedPasses = async () =>
      /^controller_runtime_reconcile_total\{.*result="paused".*\} (\d+)$/m.exec(await metrics())?.[1];
    const before = { calls: calls.length, paused: await pausedPasses() };
    expect(before.paused).toBe('1');

    operator.extension('Options', 'options', { more: true });
    await plugin.stop();
    await operator.plugin({ name: 'Other' });
    await operator.expectReady('other', 'Other');
    await operator.controller.whenIdle();
    expect(new Set(passes)).toEqual(new Set(['other']));
    expect(operator.get('users')?.status).toMatchObject({ implementation: 'Keeper' });
    expect(calls.filter((call) => call.endsWith('users'))).toHaveLength(1);
    expect(calls.length - before.calls).toBeLessThanOrEqual(2);
    expect(await pausedPasses()).toBe(before.paused);

    const client = createClient(DelegationService, createConnectTransport({ baseUrl, httpVersion: '1.1' }));
    const explained = await client.explainResource({ kind: 'Table', namespace: 'default', name: 'users' });
    expect(explained).toMatchObject({ reason: 'Paused', message: expect.stringContaining('remove the annotation') });
    expect(explained.nextPassAt).toBeUndefined();
    expect(await metrics()).toMatch(/^kplug_paused_resources\{delegation="tables"\} 1$/m);

    apply(operator, { spec });
    await operator.expectReady('users', 'Other');
  });

  it('ends the retries of a failed resource, which starts without back-off when resumed', async () => {
    const operator = await TestOperator.start({ backOff: { initial: '20ms', max: '20ms' } });
    const calls: string[] = [];
    let isMended = false;
    await operator.plugin({
      name: 'Failing',
      reconcile: ({ base }) => {
        calls.push(base.metadata.name);
        if (!isMended) throw new Error('the database is down');
      },
    });
    apply(operator);
    await vi.waitFor(() => expect(calls.length).toBeGreaterThan(3), waitOptions);
    apply(operator, { paused: 'true' });
    await operator.expectCondition('users', 'Paused', { status: 'True' });
    await operator.controller.whenIdle();
    calls.length = 0;
    // A resource that isn't paused is retried several times meanwhile.
    apply(operator, {}, 'other');
    await vi.waitFor(() => expect(calls.length).toBeGreaterThan(5), waitOptions);
    expect(new Set(calls)).toEqual(new Set(['other']));
    expect(operator.condition('users', 'Ready')).toMatchObject({ status: 'False', reason: 'PluginError' });
    isMended = true;
    apply(operator);
    await operator.expectReady('users');
  });

  it('does not keep a resource from being released when it is no longer delegated', async () => {
    const { operator, expectPaused } = await start({ labels: { delegated: 'yes' } });
    const labels = { delegated: 'yes' };
    apply(operator, { labels });
    await operator.expectReady('users');
    apply(operator, { labels, paused: 'true' });
    await expectPaused(/no plugin is called/);
    apply(operator, { paused: 'true' });
    await vi.waitFor(() => expect(operator.get('users')?.status).toBeUndefined(), waitOptions);
    expect(operator.get('users')?.metadata.finalizers ?? []).toEqual([]);
  });

  it.each(['True', 'yes', ''])('with the value %j does not pause, and says so', async (paused) => {
    const { operator, calls } = await start();
    apply(operator, { paused });
    await operator.expectReady('users');
    expect(operator.condition('users', 'Paused')).toMatchObject({
      status: 'False',
      reason: 'InvalidAnnotation',
      message: `the annotation kplug.dev/paused has the value "${paused}", which is neither "true" nor "false"; the resource is not paused`,
    });
    expect(calls).toEqual(['reconcile users']);
    apply(operator, { paused: 'false' });
    await vi.waitFor(() => expect(operator.condition('users', 'Paused')).toBeUndefined(), waitOptions);
  });

  it('holds a request to reconcile until the resource is resumed', async () => {
    const { operator, expectPaused } = await start();
    const annotations = { 'kplug.dev/reconcile-at': 'now' };
    apply(operator, { paused: 'true', annotations });
    await expectPaused(/no plugin is called/);
    await operator.controller.whenIdle();
    expect(operator.get('users')?.status).not.toHaveProperty('lastHandledReconcileAt');
    apply(operator, { annotations });
    await operator.expectReady('users');
    expect(operator.get('users')?.status).toMatchObject({ lastHandledReconcileAt: 'now' });
  });
});

describe('on a directory', () => {
  it('a paused resource whose file is removed is deleted once its file is back without the annotation', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'kplug-pause-'));
    onTestFinished(() => rm(directory, { recursive: true }));
    const file = join(directory, 'users.yaml');
    const write = (paused: boolean) =>
      writeFile(
        file,
        `apiVersion: ${apiVersion}\nkind: Table\nmetadata:\n  name: users\n  annotations: { ${annotation}: "${paused}" }\nspec: {}\n`,
      );
    await write(false);
    await writeFile(
      join(directory, 'other.yaml'),
      `apiVersion: ${apiVersion}\nkind: Other\nmetadata: { name: other }\nspec: {}\n`,
    );
    const logger = pino({ level: 'silent' });
    const resources = await openDirectory({ directory, logger, scanInterval: 100 });
    const base = { apiVersion, kind: 'Table' };
    const controller = new Controller({
      resources,
      delegations: [{ name: 'tables', base, api: 'Table@^1.0.0' }],
      heartbeatAddress: '127.0.0.1:0',
      adminAddress: false,
      logger,
    });
    await controller.start();
    onTestFinished(() => controller.stop());
    const calls: string[] = [];
    const plugin = await definePlugin({
      name: 'Keeper',
      version: '1.0.0',
      api: 'Table@1.0.0',
      reconcile: () => void calls.push('reconcile'),
      finalize: () => void calls.push('finalize'),
    }).serve({ controller: controller.heartbeatAddress, logLevel: 'silent', handleSignals: false });
    onTestFinished(() => plugin.stop());
    const expectCondition = (expected: object) =>
      vi.waitFor(
        () =>
          expect(resources.get(keyFor('Table', 'users'))?.status?.conditions).toContainEqual(
            expect.objectContaining(expected),
          ),
        waitOptions,
      );
    await expectCondition({ type: 'Ready', status: 'True' });
    await write(true);
    await expectCondition({ type: 'Paused', status: 'True' });
    await rm(file);
    await expectCondition({ type: 'Paused', message: expect.stringContaining('its deletion waits') });
    expect(calls).not.toContain('finalize');
    await write(false);
    await vi.waitFor(() => expect(calls).toContain('finalize'), waitOptions);
  }, 20_000);
});
