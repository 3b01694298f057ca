import { startPluginProcess, TestOperator } from '@kplug/testing';
import { describe, expect, it, vi } from 'vitest';

const patiently = { timeout: 15_000, interval: 10 };

describe('a plugin that is killed', () => {
  it('is replaced by the fallback long before its lease ends', async () => {
    const operator = await TestOperator.start({}, { lease: { interval: 5_000, ttl: 60_000 } });
    operator.table('users', { preferredImplementation: 'MariaDB' });
    const maria = await startPluginProcess(operator, { name: 'MariaDB' });
    await operator.plugin({ name: 'PostgreSQL' });
    await operator.expectReady('users', 'MariaDB');
    maria.process.kill('SIGKILL');
    await operator.expectReady('users', 'PostgreSQL');
    expect(operator.condition('users', 'PluginSelected')?.message).toMatch(
      /PostgreSQL 1.0.0 stands in for MariaDB: it can't be reached/,
    );
  });

  it('in the middle of a call has the call made by another one at once', async () => {
    const operator = await TestOperator.start({}, { lease: { interval: 5_000, ttl: 60_000 } });
    operator.table('users', { preferredImplementation: 'MariaDB' });
    const maria = await startPluginProcess(operator, { name: 'MariaDB', delay: 600_000 });
    await operator.plugin({ name: 'PostgreSQL' });
    await vi.waitFor(() => expect(maria.calls()).toBe(1), patiently);
    maria.process.kill('SIGKILL');
    await operator.expectReady('users', 'PostgreSQL');
  });

  it('and was one of two instances leaves the work to the other', async () => {
    const operator = await TestOperator.start();
    const first = await startPluginProcess(operator, { name: 'PostgreSQL' });
    const second = await startPluginProcess(operator, { name: 'PostgreSQL' });
    first.process.kill('SIGKILL');
    for (let index = 0; index < 20; index++) operator.table(`t${index}`);
    for (let index = 0; index < 20; index++) await operator.expectReady(`t${index}`);
    expect(second.calls()).toBe(20);
  });
});

describe('a plugin that hangs', () => {
  it('is replaced when its lease ends, and the call it holds is cancelled', async () => {
    const operator = await TestOperator.start({}, { lease: { interval: 100, ttl: 500 } });
    operator.table('users', { preferredImplementation: 'MariaDB' });
    const maria = await startPluginProcess(operator, { name: 'MariaDB', delay: 600_000 });
    await operator.plugin({ name: 'PostgreSQL' });
    await vi.waitFor(() => expect(maria.calls()).toBe(1), patiently);
    maria.process.kill('SIGSTOP');
    await operator.expectReady('users', 'PostgreSQL');
    expect(operator.controller.registry.get(maria.instanceId)).toBeUndefined();
  });

  it('registers again when it goes on, and gets the resource back', async () => {
    const operator = await TestOperator.start({}, { lease: { interval: 100, ttl: 500 } });
    operator.table('users', { preferredImplementation: 'MariaDB' });
    const maria = await startPluginProcess(operator, { name: 'MariaDB' });
    await operator.plugin({ name: 'PostgreSQL' });
    await operator.expectReady('users', 'MariaDB');
    maria.process.kill('SIGSTOP');
    await operator.expectReady('users', 'PostgreSQL');
    maria.process.kill('SIGCONT');
    await operator.expectReady('users', 'MariaDB');
  });
});

describe('a plugin that is asked to stop', () => {
  it('finishes the call it is at, and exits with 0', async () => {
    const operator = await TestOperator.start();
    operator.table('users');
    const plugin = await startPluginProcess(operator, { name: 'PostgreSQL', delay: 300 });
    await vi.waitFor(() => expect(plugin.calls()).toBe(1), patiently);
    plugin.process.kill('SIGTERM');
    expect(await plugin.exited()).toBe(0);
    await operator.expectCondition('users', 'Reconciled', { status: 'True', reason: 'Succeeded' });
    await operator.expectCondition('users', 'Ready', { status: 'False', reason: 'NoPlugin' });
    expect(plugin.calls()).toBe(1);
  });

  it('exits with 0 although its controller is gone', async () => {
    const operator = await TestOperator.start();
    const plugin = await startPluginProcess(operator, { name: 'PostgreSQL' });
    await operator.controller.stop();
    plugin.process.kill('SIGTERM');
    expect(await plugin.exited()).toBe(0);
  });

  it('is replaced by a new version under load without a failed reconcile, each resource moving once', async () => {
    const operator = await TestOperator.start();
    const names = Array.from({ length: 30 }, (_, index) => `t${index}`);
    for (const name of names) operator.table(name, { edit: 0 });
    const old = await startPluginProcess(operator, { name: 'PostgreSQL', delay: 20 });
    for (const name of names) await operator.expectReady(name, 'PostgreSQL');

    const failures: string[] = [];
    const versions = new Map<string, string[]>();
    await operator.resources.follow({ apiVersion: 'myorg.org/v1alpha1', kind: 'Table' }, ({ resource }) => {
      const { name } = resource.metadata;
      const conditions = (resource.status?.conditions ?? []) as { type: string; status: string; message: string }[];
      failures.push(
        ...conditions.filter(({ status }) => status !== 'True').map(({ message }) => `${name}: ${message}`),
      );
      const { version = '' } = (resource.status?.plugin ?? {}) as { version?: string };
      const seen = versions.get(name) ?? [];
      if (seen.at(-1) !== version) versions.set(name, [...seen, version]);
    });

    let edit = 0;
    const editing = setInterval(() => operator.table(names[edit++ % names.length] ?? '', { edit }), 2);
    const next = await startPluginProcess(operator, { name: 'PostgreSQL', version: '1.1.0', delay: 20 });
    old.process.kill('SIGTERM');
    expect(await old.exited()).toBe(0);
    clearInterval(editing);
    await vi.waitFor(() => {
      for (const name of names) expect(operator.get(name)?.status?.plugin).toMatchObject({ version: '1.1.0' });
    }, patiently);
    await operator.controller.whenIdle();
    expect(failures).toEqual([]);
    expect(new Set([...versions.values()].map((seen) => seen.join(' -> ')))).toEqual(new Set(['1.0.0 -> 1.1.0']));
    expect(next.calls()).toBeGreaterThanOrEqual(names.length);
  });
});

describe('a controller that stalls', () => {
  it('for longer than the leases does not take its plugins for gone', async () => {
    const operator = await TestOperator.start({}, { lease: { interval: 200, ttl: 1_000 } });
    operator.table('users');
    const plugin = await startPluginProcess(operator, { name: 'PostgreSQL' });
    await operator.expectReady('users', 'PostgreSQL');
    const states: string[] = [];
    operator.controller.registry.subscribe(({ instance }) => states.push(instance.state));
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 3_000);
    const before = operator.controller.registry.get(plugin.instanceId)?.lastHeardAt ?? 0;
    await vi.waitFor(() => {
      expect(operator.controller.registry.get(plugin.instanceId)?.lastHeardAt).toBeGreaterThan(before);
    }, patiently);
    expect(states).toEqual([]);
  });
});
