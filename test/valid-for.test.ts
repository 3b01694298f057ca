import { createClient } from '@connectrpc/connect';
import { createGrpcTransport } from '@connectrpc/connect-node';
import type { Manifest } from '@kplug/controller/memory';
import { DelegationService } from '@kplug/protocol';
import type { PluginDefinition, ReconcileResult } from '@kplug/sdk';
import { keyFor, reference, TestOperator } from '@kplug/testing';
import { describe, expect, it, vi } from 'vitest';

const apiVersion = 'myorg.org/v1alpha1';
const waitOptions = { timeout: 10_000, interval: 5 };
const hour = 3_600_000;
const day = 24 * hour;

type Delegation = ConstructorParameters<typeof TestOperator>[0];

/** An operator with often repeated passes, and a plugin whose answers are valid for an hour. The table `other` gets a call in each pass. */
async function start(result: ReconcileResult = {}, delegation: Delegation = {}) {
  const operator = await TestOperator.start({ resync: 20, ...delegation }, { adminAddress: '127.0.0.1:0' });
  const calls: string[] = [];
  const count = (name = 'users') => calls.filter((one) => one === name).length;
  const serve = (more: Partial<PluginDefinition> = {}) =>
    operator.plugin({
      name: 'Careful',
      reconcile: ({ base: { metadata } }) => {
        calls.push(metadata.name);
        return { status: { call: count() }, ...(metadata.name === 'users' && { validFor: hour, ...result }) };
      },
      ...more,
    });
  const plugin = await serve();
  const admin = createClient(
    DelegationService,
    createGrpcTransport({ baseUrl: `http://${operator.controller.adminAddress}` }),
  );
  return {
    operator,
    plugin,
    serve,
    count,
    /** Time for which the answer holds, in milliseconds. */
    holdsFor: async () => {
      const request = { kind: 'Table', namespace: 'default', name: 'users' };
      const { answerHoldsUntil } = await admin.explainResource(request);
      return answerHoldsUntil && Number(answerHoldsUntil.seconds) * 1_000 - Date.now();
    },
    /** Waits until both tables have had several passes, by the calls for the table whose answers don't hold. */
    passSeveralTimes: async () => {
      if (!operator.get('other')) operator.table('other');
      const before = count('other');
      await vi.waitFor(() => expect(count('other')).toBeGreaterThanOrEqual(before + 5), waitOptions);
    },
    expectCalls: async (expected: number) => {
      await vi.waitFor(() => expect(count()).toBe(expected), waitOptions);
      await operator.expectReady('users');
      await vi.waitFor(() => expect(operator.get('users')?.status).toMatchObject({ call: expected }), waitOptions);
    },
  };
}

const annotated = (annotations: Record<string, string>, labels: Record<string, string> = {}): Manifest => ({
  apiVersion,
  kind: 'Table',
  metadata: { name: 'users', annotations, labels },
  spec: {},
});

describe('an answer that is valid for a time', () => {
  it('saves the calls of passes with equal input, and keeps the status', async () => {
    const { operator, count, passSeveralTimes, expectCalls, holdsFor } = await start();
    operator.table('users');
    await expectCalls(1);
    const status = operator.get('users')?.status;
    await passSeveralTimes();
    expect(count()).toBe(1);
    expect(operator.get('users')?.status).toEqual(status);
    expect(await holdsFor()).toBeGreaterThan(hour / 2);
  });

  it('saves none when its time is over', async () => {
    const { operator, count, holdsFor } = await start({ validFor: 1 });
    operator.table('users');
    await vi.waitFor(() => expect(count()).toBeGreaterThanOrEqual(4), waitOptions);
    expect(await holdsFor()).toBeUndefined();
  });

  it('does not hold beyond the call that it requests itself', async () => {
    const { operator, count, holdsFor } = await start({ requeueAfter: 30 }, { resync: hour });
    operator.table('users');
    await vi.waitFor(() => expect(count()).toBeGreaterThanOrEqual(4), waitOptions);
    expect((await holdsFor()) ?? 0).toBeLessThan(1_000);
  });

  it('saves the calls before a later one that it requests itself', async () => {
    const { operator, count, passSeveralTimes, expectCalls, holdsFor } = await start({ requeueAfter: hour / 2 });
    operator.table('users');
    await expectCalls(1);
    await passSeveralTimes();
    operator.table('users', { changed: true });
    await expectCalls(2);
    expect(count()).toBe(2);
    expect(await holdsFor()).toBeLessThanOrEqual(hour / 2);
  });

  it('holds for a day at most', async () => {
    const { operator, expectCalls, holdsFor } = await start({ validFor: 365 * day });
    operator.table('users');
    await expectCalls(1);
    const time = (await holdsFor()) ?? 0;
    expect(time).toBeLessThanOrEqual(day);
    expect(time).toBeGreaterThan(day / 2);
  });

  it('is refused if its time is negative', async () => {
    const { operator } = await start({ validFor: -1_000 });
    operator.table('users');
    await operator.expectCondition('users', 'Ready', {
      status: 'False',
      reason: 'InvalidResponse',
      message: expect.stringContaining('negative valid_for') as string,
    });
  });

  it('does not hold with a time of zero', async () => {
    const { operator, count, passSeveralTimes } = await start({ validFor: 0 });
    operator.table('users');
    await passSeveralTimes();
    expect(count()).toBeGreaterThan(2);
  });
});

describe('a change of the input leads to a call', () => {
  it('of the spec, a label or an annotation', async () => {
    const { operator, expectCalls, passSeveralTimes, count } = await start();
    operator.table('users');
    await expectCalls(1);
    operator.table('users', { rows: 1 });
    await expectCalls(2);
    operator.resources.apply(annotated({}, { tier: 'gold' }));
    await expectCalls(3);
    operator.resources.apply(annotated({ note: 'now' }, { tier: 'gold' }));
    await expectCalls(4);
    await passSeveralTimes();
    expect(count()).toBe(4);
  });

  it('of kplug.dev/reconcile-at', async () => {
    const { operator, expectCalls } = await start();
    operator.resources.apply(annotated({}));
    await expectCalls(1);
    operator.resources.apply(annotated({ 'kplug.dev/reconcile-at': 'now' }));
    await expectCalls(2);
    expect(operator.get('users')?.status).toMatchObject({ lastHandledReconcileAt: 'now' });
  });

  it('of an extension, but not of its status', async () => {
    const { operator, expectCalls, passSeveralTimes, count } = await start();
    operator.extension('Option', 'fast', { speed: 1 });
    operator.table('users', { extensions: [reference('Option', 'fast')] });
    await expectCalls(1);
    operator.extension('Option', 'fast', { speed: 2 });
    await expectCalls(2);
    const { metadata } = operator.get('fast', 'Option') ?? {};
    await operator.resources.applyStatus(
      keyFor('Option', 'fast'),
      { seen: true },
      { uid: metadata?.uid ?? '', fieldManager: 'someone' },
    );
    await passSeveralTimes();
    expect(count()).toBe(2);
  });

  it('of a dependent', async () => {
    const view = { apiVersion, kind: 'View', metadata: { name: 'a' }, spec: {} };
    const dependents = { kinds: [{ apiVersion, kind: 'View' }] };
    const { operator, count, passSeveralTimes, expectCalls } = await start({ dependents: [view] }, { dependents });
    operator.table('users');
    await operator.expectReady('users');
    await passSeveralTimes();
    // The first call was without the dependent, the second one is with it.
    await expectCalls(2);
    operator.resources.delete(keyFor('View', 'a'));
    await vi.waitFor(() => expect(count()).toBe(4), waitOptions);
    await vi.waitFor(() => expect(operator.get('a', 'View')).toBeDefined(), waitOptions);
    await passSeveralTimes();
    expect(count()).toBe(4);
    const { uid = '' } = operator.get('a', 'View')?.metadata ?? {};
    await operator.resources.applyStatus(keyFor('View', 'a'), { rows: 1 }, { uid, fieldManager: 'someone' });
    await expectCalls(5);
    await passSeveralTimes();
    expect(count()).toBe(5);
  });

  it('of the version of the plugin, and of the plugin', async () => {
    const { operator, plugin, serve, count, expectCalls, passSeveralTimes } = await start();
    operator.table('users');
    await expectCalls(1);
    await serve({ version: '1.1.0' });
    await plugin.stop();
    await expectCalls(2);
    await serve({ name: 'Other' });
    operator.table('users', { preferredImplementation: 'Other' });
    await operator.expectReady('users', 'Other');
    expect(count()).toBe(3);
    operator.table('users', {});
    await passSeveralTimes();
    await operator.expectReady('users', 'Other');
    expect(count()).toBe(4);
  });

  it('of the finalizer, which another client removed', async () => {
    const { operator, expectCalls } = await start();
    operator.table('users');
    await expectCalls(1);
    const { uid = '', finalizers: [finalizer = ''] = [] } = operator.get('users')?.metadata ?? {};
    await operator.resources.removeFinalizer(keyFor('Table', 'users'), finalizer, { uid, fieldManager: 'someone' });
    await expectCalls(2);
    expect(operator.get('users')?.metadata.finalizers).toEqual([finalizer]);
  });
});

describe('an answer holds', () => {
  it('while its plugin is away and comes again', async () => {
    const { operator, plugin, serve, count, expectCalls, passSeveralTimes, holdsFor } = await start();
    operator.table('users');
    await expectCalls(1);
    await plugin.stop();
    await operator.expectCondition('users', 'Ready', { status: 'False', reason: 'NoPlugin' });
    expect(await holdsFor()).toBeUndefined();
    await serve();
    await operator.expectReady('users');
    await passSeveralTimes();
    expect(count()).toBe(1);
    expect(operator.get('users')?.status).toMatchObject({ call: 1, plugin: { name: 'Careful', version: '1.0.0' } });
  });

  it('only if those of all plugins do, when every plugin reconciles each resource', async () => {
    const { operator, serve, count, passSeveralTimes } = await start({}, { selection: { mode: 'all' } });
    operator.table('users');
    await operator.expectReady('users');
    await passSeveralTimes();
    expect(count()).toBe(1);
    let calls = 0;
    const other = await serve({ name: 'Other', reconcile: () => void calls++ });
    await vi.waitFor(() => expect(calls).toBeGreaterThan(3), waitOptions);
    await passSeveralTimes();
    expect(count()).toBeGreaterThan(3);
    await other.stop();
    await operator.expectReady('users', 'Careful');
    const settled = count();
    await passSeveralTimes();
    expect(count()).toBeLessThanOrEqual(settled + 1);
  });
});
