import { startPluginProcess, TestOperator } from '@kplug/testing';
import { describe, expect, it, vi } from 'vitest';

const waitOptions = { timeout: 15_000, interval: 10 };

describe('a plugin that is killed', () => {
  it('is replaced by the fallback long before its lease expires', async () => {
    const operator = await TestOperator.start({}, { lease: { interval: 5_000, ttl: 60_000 } });
    operator.table('users', { preferredImplementation: 'MariaDB' });
    const maria = await startPluginProcess(operator, { name: 'MariaDB' });
    await operator.plugin({ name: 'PostgreSQL' });
    await operator.expectReady('users', 'MariaDB');
    maria.process.kill('SIGKILL');
    await operator.expectReady('users', 'PostgreSQL');
    await operator.expectCondition('users', 'PluginSelected', {
      message: expect.stringMatching(/PostgreSQL 1.0.0 is the fallback for MariaDB: it can't be reached/) as string,
    });
  });

  it('during a call has the call repeated by another instance immediately', async () => {
    const operator = await TestOperator.start({}, { lease: { interval: 5_000, ttl: 60_000 } });
    operator.table('users', { preferredImplementation: 'MariaDB' });
    const maria = await startPluginProcess(operator, { name: 'MariaDB', delay: 600_000 });
    await operator.plugin({ name: 'PostgreSQL' });
    await vi.waitFor(() => expect(maria.calls()).toBe(1), waitOptions);
    maria.process.kill('SIGKILL');
    await operator.expectReady('users', 'PostgreSQL');
  });

  it('leaves its work to its other instance', async () => {
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
  it('is replaced when its lease expires, and its in-flight call is cancelled', async () => {
    const operator = await TestOperator.start({}, { lease: { interval: 100, ttl: 500 } });
    operator.table('users', { preferredImplementation: 'MariaDB' });
    const maria = await startPluginProcess(operator, { name: 'MariaDB', delay: 600_000 });
    await operator.plugin({ name: 'PostgreSQL' });
    await vi.waitFor(() => expect(maria.calls()).toBe(1), waitOptions);
    maria.process.kill('SIGSTOP');
    await operator.expectReady('users', 'PostgreSQL');
    await vi.waitFor(() => expect(operator.controller.registry.get(maria.instanceId)).toBeUndefined(), waitOptions);
  });

  it('registers again when it continues, and gets the resource back', async () => {
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

describe('a plugin that gets SIGTERM', () => {
  it('finishes its in-flight call and exits with 0', async () => {
    const operator = await TestOperator.start();
    operator.table('users');
    const plugin = await startPluginProcess(operator, { name: 'PostgreSQL', delay: 300 });
    await vi.waitFor(() => expect(plugin.calls()).toBe(1), waitOptions);
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
    }, waitOptions);
    await operator.controller.whenIdle();
    expect(failures).toEqual([]);
    expect(new Set([...versions.values()].map((seen) => seen.join(' -> ')))).toEqual(new Set(['1.0.0 -> 1.1.0']));
    expect(next.calls()).toBeGreaterThanOrEqual(names.length);
  });
});

describe('a controller that stalls', () => {
  it('for longer than the leases keeps its plugins', async () => {
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
    }, waitOptions);
    expect(states).toEqual([]);
  });
});
