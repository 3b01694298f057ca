import { createClient } from '@connectrpc/connect';
import { createGrpcTransport } from '@connectrpc/connect-node';
import type { JsonObject } from '@kplug/controller';
import { DelegationService } from '@kplug/protocol';
import {
  type FinalizeInput,
  type FinalizeResult,
  type Operation,
  type PluginDefinition,
  type ReconcileResult,
  retry,
  terminal,
} from '@kplug/sdk';
import { keyFor, TestOperator } from '@kplug/testing';
import { describe, expect, it, vi } from 'vitest';

const waitOptions = { timeout: 10_000, interval: 5 };
const apiVersion = 'myorg.org/v1alpha1';

type Delegation = ConstructorParameters<typeof TestOperator>[0];
type Answer = (call: number, operation: Operation | undefined) => ReconcileResult | Promise<ReconcileResult>;

const running = (percentage: number, token = 'job-1'): ReconcileResult => {
  return { progress: { percentage, message: 'copying', token, after: 20 } };
};

/** An operator with a plugin that answers each call by a function. */
async function start(answer: Answer, delegation: Delegation = {}, more: Partial<PluginDefinition> = {}) {
  const operator = await TestOperator.start(delegation, { adminAddress: '127.0.0.1:0' });
  const seen: (Operation | undefined)[] = [];
  const serve = (given: Partial<PluginDefinition> = {}) =>
    operator.plugin({
      name: 'Copier',
      reconcile: ({ operation }) => {
        seen.push(operation);
        return answer(seen.length, operation);
      },
      ...more,
      ...given,
    });
  const plugin = await serve();
  const admin = createClient(
    DelegationService,
    createGrpcTransport({ baseUrl: `http://${operator.controller.adminAddress}` }),
  );
  const explain = () => admin.explainResource({ kind: 'Table', namespace: 'default', name: 'users' });
  return {
    operator,
    plugin,
    serve,
    seen,
    explain,
    /** Operations in the status. */
    listed: () => (operator.get('users')?.status?.operationsInProgress ?? []) as unknown as JsonObject[],
    events: async (reason: string) => {
      const { events } = await explain();
      return events.flatMap(({ event, count }) => (event?.reason === reason ? [`${count} ${event.message}`] : []));
    },
    called: (count: number) => vi.waitFor(() => expect(seen.length).toBeGreaterThanOrEqual(count), waitOptions),
  };
}

describe('an operation in progress', () => {
  it('is in the status, and the next call brings its token and its progress', async () => {
    const finished = Promise.withResolvers<void>();
    const { operator, seen, listed, called, explain, events } = await start(async (call) => {
      if (call === 1) return { ...running(10), status: { tables: 1 } };
      if (call === 2) return running(40);
      await finished.promise;
      return { status: { tables: 8 } };
    });
    operator.table('users');
    await called(3);
    const message = 'Copier 1.0.0 is 40 % done: copying';
    const expected = { status: 'False', reason: 'InProgress', message };
    await operator.expectCondition('users', 'Ready', expected);
    expect(operator.condition('users', 'Reconciled')).toMatchObject(expected);
    expect(operator.get('users')?.status).toMatchObject({ tables: 1, plugin: { name: 'Copier' } });
    const content = expect.stringMatching(/^[0-9a-f]{16}$/) as string;
    const since = expect.stringMatching(/^\d{4}-.*Z$/) as string;
    expect(listed()).toEqual([
      { plugin: 'Copier', percentage: 40, message: 'copying', token: 'job-1', generation: 1, content, since },
    ]);
    expect(seen[0]).toBeUndefined();
    expect(seen[1]).toMatchObject({ percentage: 10, message: 'copying', token: 'job-1', isCancelled: false });
    expect(seen[2]).toMatchObject({ percentage: 40, token: 'job-1', generation: 1 });
    expect(seen[2]?.startedAt).toEqual(seen[1]?.startedAt);
    expect((await explain()).operations).toMatchObject([{ plugin: 'Copier', percentage: 40, token: 'job-1' }]);

    finished.resolve();
    await operator.expectReady('users');
    expect(listed()).toEqual([]);
    expect(operator.get('users')?.status).toMatchObject({ tables: 8 });
    // One Event about the operation, which was repeated sooner than they may be.
    expect(await events('InProgress')).toEqual(['1 Copier 1.0.0 is 10 % done: copying']);
  });

  it('is no failure: attempts are not counted, and no back-off applies', async () => {
    const attempts: number[] = [];
    const { operator } = await start(
      () => ({}),
      { backOff: { initial: '1h', max: '2h' } },
      {
        reconcile: ({ attempt }) => {
          attempts.push(attempt);
          return attempts.length < 5 ? running(attempts.length) : {};
        },
      },
    );
    operator.table('users');
    await operator.expectReady('users');
    expect(attempts).toEqual([1, 1, 1, 1, 1]);
  });

  it('need not have a percentage, a message or a token', async () => {
    const { operator, listed, seen, called } = await start((call) => (call > 2 ? {} : { progress: { after: 10 } }));
    operator.table('users');
    await called(2);
    expect(seen[1]).toMatchObject({ percentage: undefined, message: '', token: '', isCancelled: false });
    await operator.expectReady('users');
    expect(listed()).toEqual([]);
  });

  it('has its dependents applied, and the failure of one goes first', async () => {
    const set = { apiVersion: 'apps/v1', kind: 'StatefulSet', metadata: { name: 'db' }, spec: { replicas: 1 } };
    const failing = { manifest: set, readyTimeout: 1 };
    const kinds = [{ apiVersion: 'apps/v1', kind: 'StatefulSet' }];
    const { operator } = await start(() => ({ ...running(10), dependents: [failing] }), { dependents: { kinds } });
    operator.table('users');
    await operator.expectCondition('users', 'Ready', { status: 'False', reason: 'DependentTimedOut' });
    expect(operator.condition('users', 'Reconciled')).toMatchObject({ status: 'False', reason: 'InProgress' });
    expect(operator.resources.get('apps/v1/StatefulSet/default/db')).toBeDefined();
  });

  it('keeps its token when a call fails, and loses it when the plugin gives up', async () => {
    const { operator, seen, called, listed } = await start((call) => {
      if (call === 1) return running(10);
      if (call === 2) throw retry('the connection broke');
      if (call === 3) throw new Error('unexpected');
      if (call === 4) throw terminal('the copy is corrupt');
      return {};
    });
    operator.table('users');
    await called(4);
    expect(seen.slice(1, 4)).toMatchObject([{ token: 'job-1' }, { token: 'job-1' }, { token: 'job-1' }]);
    await vi.waitFor(() => expect(listed()).toEqual([]), waitOptions);
    operator.table('users', { changed: true });
    await operator.expectReady('users');
    expect(seen[4]).toBeUndefined();
  });

  it('is polled every ten seconds if the plugin says no delay', async () => {
    const { operator, called, explain } = await start(() => ({ progress: { token: 'job-1' } }));
    operator.table('users');
    await called(1);
    await operator.expectCondition('users', 'Ready', { reason: 'InProgress' });
    const { nextPassAt } = await explain();
    const delay = Number(nextPassAt?.seconds) * 1_000 - Date.now();
    expect(delay).toBeGreaterThan(5_000);
    expect(delay).toBeLessThanOrEqual(10_000);
  });

  it('goes on at another instance, also of another version', async () => {
    const { operator, plugin, serve, seen, called } = await start((call) =>
      call === 1 ? { progress: { token: 'job-1' } } : {},
    );
    operator.table('users');
    await called(1);
    await operator.expectCondition('users', 'Ready', { reason: 'InProgress' });
    await plugin.stop();
    await operator.expectCondition('users', 'Ready', { reason: 'NoPlugin' });
    await serve({ version: '1.1.0' });
    await operator.expectReady('users');
    expect(seen[1]).toMatchObject({ token: 'job-1', isCancelled: false });
  });

  it('goes on after a restart of the operator, by its status', async () => {
    const first = await start(() => ({ progress: { token: 'job-1', percentage: 10 } }));
    first.operator.table('users');
    await first.operator.expectCondition('users', 'Ready', { reason: 'InProgress' });
    const { status } = first.operator.get('users') ?? {};
    await first.operator.controller.stop();

    const second = new TestOperator();
    second.resources.apply({ apiVersion, kind: 'Table', metadata: { name: 'users' }, spec: {} });
    const { uid = '' } = second.get('users')?.metadata ?? {};
    await second.resources.applyStatus(keyFor('Table', 'users'), status ?? {}, { uid, fieldManager: 'kplug/tables' });
    await second.controller.start();
    const seen: (Operation | undefined)[] = [];
    await second.plugin({ name: 'Copier', reconcile: ({ operation }) => void seen.push(operation) });
    await second.expectReady('users');
    await second.controller.stop();
    expect(seen[0]).toMatchObject({ token: 'job-1', percentage: 10, isCancelled: false });
  });

  it('is not brought to another plugin', async () => {
    const { operator, serve, listed, events } = await start(() => ({ progress: { token: 'job-1', percentage: 10 } }));
    operator.table('users');
    await operator.expectCondition('users', 'Ready', { reason: 'InProgress' });
    const others: unknown[] = [];
    await serve({ name: 'Other', reconcile: ({ operation }) => void others.push(operation) });
    operator.table('users', { preferredImplementation: 'Other' });
    await operator.expectReady('users', 'Other');
    expect(others).toEqual([undefined]);
    expect(listed()).toEqual([]);
    expect((await events('HandedOver')).join()).toContain('its operation is not followed any more: 10 % done');
  });

  it('is its own for each plugin that reconciles the resource', async () => {
    const { operator, serve, seen, called, listed } = await start((call) => running(call, 'job-a'), {
      selection: { mode: 'all' },
    });
    const others: (Operation | undefined)[] = [];
    await serve({
      name: 'Other',
      reconcile: ({ operation }) => {
        others.push(operation);
        return others.length < 3 ? running(others.length, 'job-b') : {};
      },
    });
    operator.table('users');
    await called(3);
    await vi.waitFor(() => expect(others.length).toBeGreaterThanOrEqual(4), waitOptions);
    expect(seen.slice(1).map((one) => one?.token)).toEqual(seen.slice(1).map(() => 'job-a'));
    expect(others.slice(0, 4).map((one) => one?.token)).toEqual([undefined, 'job-b', 'job-b', undefined]);
    expect(listed().map(({ token }) => token)).toEqual(['job-a']);
    await operator.expectCondition('users', 'Ready', { status: 'False', reason: 'InProgress' });
  });
});

describe('an operation that is no longer wanted', () => {
  it('is not one whose resource got another label', async () => {
    const { operator, seen } = await start((call) => (call === 1 ? { progress: { token: 'job-1' } } : {}));
    operator.table('users');
    await operator.expectCondition('users', 'Ready', { reason: 'InProgress' });
    operator.resources.apply({ apiVersion, kind: 'Table', metadata: { name: 'users', labels: { a: 'b' } }, spec: {} });
    await operator.expectReady('users');
    expect(seen[1]).toMatchObject({ token: 'job-1', isCancelled: false });
  });

  it('is said to be cancelled when the spec changes, until the plugin reports another one', async () => {
    const { operator, seen } = await start((call) => {
      if (call === 1) return { progress: { token: 'job-1' } };
      return call < 4 ? running(call) : call === 4 ? running(0, 'job-2') : {};
    });
    operator.table('users');
    await operator.expectCondition('users', 'Ready', { reason: 'InProgress' });
    operator.table('users', { rows: 2 });
    await operator.expectReady('users');
    expect(seen.slice(1, 5)).toMatchObject([
      { token: 'job-1', generation: 1, isCancelled: true },
      { token: 'job-1', generation: 1, isCancelled: true },
      { token: 'job-1', generation: 1, isCancelled: true },
      { token: 'job-2', generation: 2, isCancelled: false },
    ]);
  });

  it('is wanted again when the spec is again what it was', async () => {
    const { operator, seen, called } = await start((call) => (call < 3 ? { progress: { token: 'job-1' } } : {}));
    operator.table('users');
    await operator.expectCondition('users', 'Ready', { reason: 'InProgress' });
    operator.table('users', { rows: 2 });
    await called(2);
    await operator.expectCondition('users', 'Ready', { reason: 'InProgress', observedGeneration: 2 });
    operator.table('users');
    await operator.expectReady('users');
    expect(seen.slice(1).map((one) => one?.isCancelled)).toEqual([true, false]);
  });

  it('is not lost when the spec changes during the call that begins it', async () => {
    const started = Promise.withResolvers<void>();
    const released = Promise.withResolvers<void>();
    const { operator, seen, listed, called } = await start(async (call) => {
      started.resolve();
      if (call === 1) await released.promise;
      return call === 1 ? running(10) : call === 2 ? running(20) : {};
    });
    operator.table('users');
    await started.promise;
    operator.table('users', { rows: 2 });
    const written: unknown[] = [];
    await operator.resources.follow({ apiVersion, kind: 'Table' }, ({ resource }) => {
      written.push(resource.status?.operationsInProgress);
    });
    released.resolve();
    await called(2);
    expect(seen[1]).toMatchObject({ token: 'job-1', generation: 1, isCancelled: true });
    // It was written before the next call, which may be the call of another process.
    expect(written).toContainEqual([expect.objectContaining({ token: 'job-1', percentage: 10 })]);
    await operator.expectReady('users');
    expect(listed()).toEqual([]);
  });

  it('is brought to Finalize when the resource is deleted, and the finalization has progress of its own', async () => {
    const finalizing: (Operation | undefined)[] = [];
    const finalize = ({ operation }: FinalizeInput): FinalizeResult => {
      finalizing.push(operation);
      if (finalizing.length === 4) return {};
      return running(finalizing.length, finalizing.length === 1 ? 'job-1' : 'drop-1');
    };
    const { operator } = await start(() => ({ progress: { token: 'job-1' } }), {}, { finalize });
    operator.table('users');
    await operator.expectCondition('users', 'Ready', { reason: 'InProgress' });
    const seen: unknown[] = [];
    await operator.resources.follow({ apiVersion, kind: 'Table' }, ({ resource: { status } }) => {
      seen.push((status?.conditions as JsonObject[] | undefined)?.find(({ type }) => type === 'Finalized'));
    });
    operator.delete('users');
    await vi.waitFor(() => expect(finalizing.length).toBe(3), waitOptions);
    await vi.waitFor(() => expect(operator.get('users')).toBeUndefined(), waitOptions);
    expect(finalizing).toMatchObject([
      { token: 'job-1', isCancelled: true },
      { token: 'job-1', isCancelled: false },
      { token: 'drop-1', isCancelled: false },
      { token: 'drop-1', isCancelled: false },
    ]);
    const message = 'Copier 1.0.0 is 3 % done: copying';
    expect(seen).toContainEqual(expect.objectContaining({ status: 'False', reason: 'InProgress', message }));
  });

  it('delays a hand-over that waits for the former plugin to finalize', async () => {
    const finalizing: (Operation | undefined)[] = [];
    const finalize = ({ operation }: FinalizeInput): FinalizeResult => {
      finalizing.push(operation);
      return finalizing.length < 3 ? running(50, 'drop-1') : {};
    };
    const delegation = { handOver: 'finalize' } as const;
    const { operator, serve } = await start(() => ({ progress: { token: 'job-1' } }), delegation, { finalize });
    operator.table('users');
    await operator.expectCondition('users', 'Ready', { reason: 'InProgress' });
    const reasons: unknown[] = [];
    await operator.resources.follow({ apiVersion, kind: 'Table' }, ({ resource: { status } }) => {
      const ready = (status?.conditions as JsonObject[] | undefined)?.find(({ type }) => type === 'Ready');
      reasons.push(`${ready?.reason} ${ready?.message}`);
    });
    const others: unknown[] = [];
    await serve({ name: 'Other', finalize, reconcile: ({ operation }) => void others.push(operation) });
    operator.table('users', { preferredImplementation: 'Other' });
    await operator.expectReady('users', 'Other');
    expect(finalizing.map((one) => one?.token)).toEqual(['job-1', 'drop-1', 'drop-1']);
    expect(finalizing.map((one) => one?.isCancelled)).toEqual([true, false, false]);
    expect(others).toEqual([undefined]);
    expect(reasons).toContain('InProgress the hand-over to Other 1.0.0 waits: Copier 1.0.0 is 50 % done: copying');
  });
});
