import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Controller } from '@kplug/controller';
import { openDirectory } from '@kplug/controller/directory';
import type { Manifest } from '@kplug/controller/memory';
import { definePlugin, type ReconcileResult } from '@kplug/sdk';
import { keyFor, TestOperator } from '@kplug/testing';
import { pino } from 'pino';
import { describe, expect, it, onTestFinished, vi } from 'vitest';

const apiVersion = 'myorg.org/v1alpha1';
const waitOptions = { timeout: 10_000, interval: 5 };
const annotation = 'kplug.dev/reconcile-at';

const requested = (name: string, value?: string): Manifest => ({
  apiVersion,
  kind: 'Table',
  metadata: { name, ...(value !== undefined && { annotations: { [annotation]: value } }) },
  spec: {},
});

/** An operator with a plugin that counts its calls. */
async function start(
  reconcile: (call: number) => ReconcileResult = () => ({}),
  delegation: ConstructorParameters<typeof TestOperator>[0] = {},
) {
  const operator = await TestOperator.start(delegation);
  const calls: string[] = [];
  await operator.plugin({
    name: 'Counter',
    reconcile: ({ base }) => {
      calls.push(base.metadata.name);
      return reconcile(calls.length);
    },
  });
  return {
    operator,
    calls,
    request: (value?: string) => operator.resources.apply(requested('users', value)),
    handled: () => operator.get('users')?.status?.lastHandledReconcileAt,
    expectHandled: (value: string) =>
      vi.waitFor(
        () => expect(operator.get('users')?.status).toMatchObject({ lastHandledReconcileAt: value }),
        waitOptions,
      ),
  };
}

describe('the annotation kplug.dev/reconcile-at', () => {
  it('leads to one call for each new value, and none for the same one', async () => {
    const { operator, calls, request, handled, expectHandled } = await start();
    request();
    await operator.expectReady('users');
    expect(operator.get('users')?.status).not.toHaveProperty('lastHandledReconcileAt');

    for (const [index, value] of ['2026-01-01T00:00:00Z', 'again, please'].entries()) {
      request(value);
      await expectHandled(value);
      request(value);
      await operator.controller.whenIdle();
      expect(calls).toHaveLength(2 + index);
      expect(operator.get('users')?.metadata.generation).toBe(1);
    }

    // Without the annotation, the status has nothing to report.
    request();
    await vi.waitFor(() => expect(handled()).toBeUndefined(), waitOptions);
  });

  it('leads to a call after one that was in progress', async () => {
    const started = Promise.withResolvers<void>();
    const released = Promise.withResolvers<void>();
    const operator = await TestOperator.start();
    let calls = 0;
    await operator.plugin({
      name: 'Slow',
      reconcile: async () => {
        calls += 1;
        started.resolve();
        if (calls === 1) await released.promise;
        return {};
      },
    });
    operator.resources.apply(requested('users'));
    await started.promise;
    operator.resources.apply(requested('users', 'now'));
    const handled: unknown[] = [];
    await operator.resources.follow({ apiVersion, kind: 'Table' }, ({ resource }) => {
      handled.push(`${calls} ${resource.status?.lastHandledReconcileAt}`);
    });
    released.resolve();
    await vi.waitFor(() => expect(handled).toContain('2 now'), waitOptions);
    // The call that began before the request doesn't count.
    expect(handled).not.toContain('1 now');
    expect(calls).toBe(2);
  });

  it('ends the back-off of a failed resource', async () => {
    const operator = await TestOperator.start({ backOff: { initial: '20ms', max: '2h' } });
    const attempts: number[] = [];
    await operator.plugin({
      name: 'Failing',
      reconcile: ({ attempt }) => {
        attempts.push(attempt);
        throw new Error('the database is down');
      },
    });
    operator.resources.apply(requested('users'));
    await vi.waitFor(() => expect(attempts.length).toBeGreaterThanOrEqual(4), waitOptions);
    operator.resources.apply(requested('users', 'now'));
    await vi.waitFor(
      () => expect(operator.get('users')?.status).toMatchObject({ lastHandledReconcileAt: 'now' }),
      waitOptions,
    );
    // A call that was in progress counts as the first failure.
    expect(Math.min(...attempts.slice(4))).toBeLessThanOrEqual(2);
    expect(operator.condition('users', 'Ready')).toMatchObject({ status: 'False', reason: 'PluginError' });
  });

  it('is reported as handled although no plugin is available, with the reason', async () => {
    const operator = await TestOperator.start();
    operator.resources.apply(requested('users', 'now'));
    await vi.waitFor(
      () => expect(operator.get('users')?.status).toMatchObject({ lastHandledReconcileAt: 'now' }),
      waitOptions,
    );
    expect(operator.condition('users', 'Ready')).toMatchObject({ status: 'False', reason: 'NoPlugin' });
  });

  it('goes before resources that wait for their turn', async () => {
    const started = Promise.withResolvers<void>();
    const released = Promise.withResolvers<void>();
    const operator = await TestOperator.start({ concurrency: 1 });
    const names = [...Array.from({ length: 20 }, (_, index) => `table-${index}`), 'users'];
    for (const name of names) {
      operator.table(name);
      await operator.expectCondition(name, 'Ready', { status: 'False', reason: 'NoPlugin' });
    }
    const calls: string[] = [];
    await operator.plugin({
      name: 'Slow',
      reconcile: async ({ base }) => {
        calls.push(base.metadata.name);
        started.resolve();
        if (calls.length === 1) await released.promise;
      },
    });
    await started.promise;
    operator.resources.apply(requested('users', 'now'));
    released.resolve();
    await vi.waitFor(() => expect(calls.length).toBeGreaterThanOrEqual(names.length), waitOptions);
    expect(calls.indexOf('users')).toBe(1);
  });

  it('is cut in the status when it is longer than anything useful', async () => {
    const { operator, request } = await start();
    request('x'.repeat(10_000));
    await operator.expectReady('users');
    expect(String(operator.get('users')?.status?.lastHandledReconcileAt).length).toBe(1_024);
  });

  it('is not the business of a plugin: one that returns the field changes nothing', async () => {
    const { operator, request, handled } = await start(() => ({ status: { lastHandledReconcileAt: 'never' } }));
    request('now');
    await operator.expectReady('users');
    expect(handled()).toBe('now');
  });
});

describe('on a directory', () => {
  it('the annotation in the manifest leads to a call, and to none after a restart', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'kplug-now-'));
    onTestFinished(() => rm(directory, { recursive: true }));
    const write = (value: string) =>
      writeFile(
        join(directory, 'users.yaml'),
        `apiVersion: ${apiVersion}\nkind: Table\nmetadata:\n  name: users\n  annotations: { ${annotation}: "${value}" }\nspec: {}\n`,
      );
    await write('first');
    let calls = 0;
    const open = async () => {
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
      const plugin = await definePlugin({
        name: 'Counter',
        version: '1.0.0',
        api: 'Table@1.0.0',
        reconcile: () => {
          calls += 1;
        },
      }).serve({ controller: controller.heartbeatAddress, logLevel: 'silent', handleSignals: false });
      const stop = async () => {
        await controller.stop();
        await plugin.stop();
      };
      const expectHandled = (value: string) =>
        vi.waitFor(() => {
          expect(resources.get(keyFor('Table', 'users'))?.status).toMatchObject({
            lastHandledReconcileAt: value,
            plugin: { name: 'Counter' },
          });
        }, waitOptions);
      return { controller, expectHandled, stop };
    };

    const first = await open();
    await first.expectHandled('first');
    expect(calls).toBe(1);
    await write('second');
    await first.expectHandled('second');
    expect(calls).toBe(2);
    await first.stop();

    const second = await open();
    onTestFinished(second.stop);
    await vi.waitFor(() => expect(calls).toBe(3), waitOptions);
    await second.controller.whenIdle();
    expect(calls).toBe(3);
  });
});
