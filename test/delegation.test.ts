import { retry, terminal } from '@kplug/sdk';
import { keyFor, reference, TestOperator } from '@kplug/testing';
import { describe, expect, it, onTestFinished, vi } from 'vitest';

describe('a resource without a plugin', () => {
  it('reports what it waits for', async () => {
    const operator = await TestOperator.start();
    operator.table('users', { preferredImplementation: 'MariaDB' });
    await operator.expectCondition('users', 'Ready', {
      status: 'False',
      reason: 'NoPlugin',
      message: 'waiting for MariaDB with API version ^1.0.0: none is registered',
      observedGeneration: 1,
    });
    expect(operator.condition('users', 'PluginSelected')).toMatchObject({ status: 'False', reason: 'NoPlugin' });
    expect(operator.condition('users', 'Reconciled')).toMatchObject({ status: 'Unknown' });
  });
});

describe('a resource with a plugin', () => {
  it('is reconciled, and its status names the plugin and the reason', async () => {
    const operator = await TestOperator.start();
    operator.table('users', { preferredImplementation: 'MariaDB' });
    await operator.plugin({ name: 'PostgreSQL', version: '1.2.0', reconcile: () => ({ status: { rows: 3 } }) });
    await operator.expectReady('users', 'PostgreSQL');
    expect(operator.get('users')?.status).toMatchObject({
      implementation: 'PostgreSQL',
      plugin: { name: 'PostgreSQL', version: '1.2.0', api: 'Table', apiVersion: '1.0.0' },
      observedGeneration: 1,
      rows: 3,
    });
    expect(operator.condition('users', 'PluginSelected')).toMatchObject({
      status: 'True',
      reason: 'Fallback',
      message: 'PostgreSQL 1.2.0 is the fallback for MariaDB: no such plugin is registered',
    });
  });

  it('is sent with its extensions, and the statuses of both are written', async () => {
    const operator = await TestOperator.start();
    operator.extension('PgOptions', 'users', { partitions: 4 });
    operator.table('users', { extensions: [reference('PgOptions', 'users')] });
    await operator.plugin({
      name: 'PostgreSQL',
      reconcile: ({ base, extensions, assignment, attempt }) => {
        const [options] = extensions.all('PgOptions');
        if (!options) throw terminal('no options');
        return {
          status: { seen: { name: base.metadata.name, assignment, attempt } },
          extensions: [
            { extension: options, status: { partitions: (options.spec as { partitions: number }).partitions } },
          ],
          conditions: [{ type: 'BackedUp', status: true, reason: 'Done', message: 'yesterday' }],
        };
      },
    });
    await operator.expectReady('users');
    expect(operator.get('users', 'PgOptions')?.status).toEqual({ partitions: 4 });
    expect(operator.get('users')?.status?.seen).toEqual({
      name: 'users',
      attempt: 1,
      assignment: {
        delegation: 'tables',
        api: 'Table',
        apiVersion: '1.0.0',
        reason: 'NoPreference',
        message: 'PostgreSQL 1.0.0 was chosen; the resource prefers no implementation',
      },
    });
    expect(operator.condition('users', 'BackedUp')).toMatchObject({
      status: 'True',
      reason: 'Done',
      observedGeneration: 1,
    });
  });

  it('is reconciled again when it or an extension changes, but not when only a status changes', async () => {
    const operator = await TestOperator.start();
    operator.extension('PgOptions', 'users', { partitions: 4 });
    operator.table('users', { extensions: [reference('PgOptions', 'users')] });
    let passes = 0;
    await operator.plugin({ name: 'PostgreSQL', reconcile: () => ({ status: { passes: ++passes } }) });
    await operator.expectReady('users');
    await operator.controller.whenIdle();
    expect(passes).toBe(1);

    operator.extension('PgOptions', 'users', { partitions: 8 });
    await vi.waitFor(() => expect(passes).toBe(2));
    operator.table('users', { extensions: [reference('PgOptions', 'users')], columns: 3 });
    await vi.waitFor(() => expect(passes).toBe(3));
    await operator.expectReady('users');
    await operator.controller.whenIdle();
    expect(passes).toBe(3);
    expect(operator.get('users')?.status).toMatchObject({ observedGeneration: 2, passes: 3 });
  });

  it('is reconciled again when the plugin requests it', async () => {
    const operator = await TestOperator.start();
    operator.table('users');
    let passes = 0;
    await operator.plugin({
      name: 'PostgreSQL',
      reconcile: () => {
        passes++;
        return { requeueAfter: 10 };
      },
    });
    await vi.waitFor(() => expect(passes).toBeGreaterThan(3));
  });

  it('is reconciled again after the shortest allowed interval when the plugin requests none', async () => {
    const operator = await TestOperator.start({ minRequeueInterval: '300ms' });
    operator.table('users');
    const calls: number[] = [];
    await operator.plugin({
      name: 'PostgreSQL',
      reconcile: () => {
        calls.push(performance.now());
        return { requeueAfter: 0 };
      },
    });
    await vi.waitFor(() => expect(calls.length).toBeGreaterThan(3), { timeout: 10_000 });
    const between = calls.slice(1).map((at, index) => at - (calls[index] ?? 0));
    expect(Math.min(...between)).toBeGreaterThan(290);
  });

  it('is retried after the shortest allowed interval when the plugin requests no delay', async () => {
    const operator = await TestOperator.start({ minRequeueInterval: '300ms' });
    operator.table('users');
    const calls: number[] = [];
    await operator.plugin({
      name: 'PostgreSQL',
      reconcile: () => {
        calls.push(performance.now());
        throw retry('not yet', { after: 0 });
      },
    });
    await vi.waitFor(() => expect(calls.length).toBeGreaterThan(3), { timeout: 10_000 });
    const between = calls.slice(1).map((at, index) => at - (calls[index] ?? 0));
    expect(Math.min(...between)).toBeGreaterThan(290);
  });

  it('is reconciled with a deadline that is longer than a timer of Node.js', async () => {
    const operator = await TestOperator.start({ deadline: '720h' });
    operator.table('users');
    await operator.plugin({ name: 'PostgreSQL' });
    await operator.expectReady('users', 'PostgreSQL');
  });

  it('writes nothing when a pass changes nothing', async () => {
    const operator = await TestOperator.start();
    operator.table('users');
    let passes = 0;
    await operator.plugin({
      name: 'PostgreSQL',
      reconcile: () => {
        passes++;
        return { status: { stable: true }, requeueAfter: 10 };
      },
    });
    await operator.expectReady('users');
    const { resourceVersion } = operator.get('users')?.metadata ?? {};
    const seen = passes;
    await vi.waitFor(() => expect(passes).toBeGreaterThan(seen + 2));
    expect(operator.get('users')?.metadata.resourceVersion).toBe(resourceVersion);
  });

  it('is handed over once to the preferred plugin when that registers', async () => {
    const operator = await TestOperator.start();
    operator.table('users', { preferredImplementation: 'MariaDB' });
    await operator.plugin({ name: 'PostgreSQL', reconcile: () => ({ status: { postgres: true } }) });
    await operator.expectReady('users', 'PostgreSQL');
    let calls = 0;
    const maria = () => {
      calls++;
      return { status: { maria: true } };
    };
    await operator.plugin({ name: 'MariaDB', reconcile: maria });
    await operator.expectReady('users', 'MariaDB');
    await operator.controller.whenIdle();
    expect(calls).toBe(1);
    expect(operator.get('users')?.status).toMatchObject({ maria: true });
    expect(operator.get('users')?.status).not.toHaveProperty('postgres');
    expect(operator.condition('users', 'PluginSelected')).toMatchObject({ reason: 'Preferred' });
  });

  it('is reconciled again when a plugin registers only if its choice changes', async () => {
    const operator = await TestOperator.start();
    operator.table('users', { preferredImplementation: 'MariaDB' });
    operator.table('sessions', { preferredImplementation: 'PostgreSQL' });
    const passes: string[] = [];
    const reconcile = ({ base }: { base: { metadata: { name: string } } }) => void passes.push(base.metadata.name);
    await operator.plugin({ name: 'PostgreSQL', reconcile });
    await operator.expectReady('users');
    await operator.expectReady('sessions');
    await operator.controller.whenIdle();
    passes.length = 0;
    await operator.plugin({ name: 'MariaDB', reconcile });
    await operator.expectReady('users', 'MariaDB');
    await operator.controller.whenIdle();
    expect(passes).toEqual(['users']);
  });

  it('reports an invalid preference', async () => {
    const operator = await TestOperator.start();
    await operator.plugin({ name: 'PostgreSQL' });
    operator.table('users', { preferredImplementation: 'PostgreSQL@latest' });
    await operator.expectCondition('users', 'Ready', { status: 'False', reason: 'InvalidPreference' });
    expect(operator.condition('users', 'Ready')?.message).toMatch(
      /\.spec\.preferredImplementation: "PostgreSQL@latest"/,
    );
  });

  it('is reconciled by every plugin in mode all, each under its own name', async () => {
    const operator = await TestOperator.start({ selection: { mode: 'all' } });
    operator.table('users');
    await operator.plugin({ name: 'PostgreSQL', reconcile: () => ({ status: { rows: 1 } }) });
    await operator.plugin({ name: 'MariaDB', reconcile: () => ({ status: { rows: 2 } }) });
    await operator.expectReady('users', 'MariaDB,PostgreSQL');
    expect(operator.get('users')?.status?.implementations).toEqual({
      MariaDB: { rows: 2, plugin: { name: 'MariaDB', version: '1.0.0', api: 'Table', apiVersion: '1.0.0' } },
      PostgreSQL: { rows: 1, plugin: { name: 'PostgreSQL', version: '1.0.0', api: 'Table', apiVersion: '1.0.0' } },
    });
  });
});

describe('a failure', () => {
  it('is retried until it succeeds', async () => {
    const operator = await TestOperator.start();
    operator.table('users');
    const attempts: number[] = [];
    await operator.plugin({
      name: 'PostgreSQL',
      reconcile: ({ attempt }) => {
        attempts.push(attempt);
        if (attempt < 4) throw retry('the database starts', { reason: 'Starting' });
      },
    });
    await operator.expectReady('users');
    expect(attempts).toEqual([1, 2, 3, 4]);
  });

  it('that is terminal is not retried before a change', async () => {
    const operator = await TestOperator.start();
    operator.table('users', { type: 'nonsense' });
    let calls = 0;
    await operator.plugin({
      name: 'PostgreSQL',
      reconcile: ({ base }) => {
        calls++;
        const { type } = base.spec as { type: string };
        if (type === 'nonsense') throw terminal('the type "nonsense" is unknown', { reason: 'UnknownType' });
      },
    });
    await operator.expectCondition('users', 'Ready', {
      status: 'False',
      reason: 'UnknownType',
      message: 'PostgreSQL 1.0.0: the type "nonsense" is unknown',
    });
    await operator.controller.whenIdle();
    expect(calls).toBe(1);
    operator.table('users', { type: 'string' });
    await operator.expectReady('users');
    expect(calls).toBe(2);
  });

  it('that is terminal is retried when a new instance of the plugin registers', async () => {
    const operator = await TestOperator.start();
    operator.table('users');
    const reconcile = () => {
      throw terminal('this version cannot do it', { reason: 'Unsupported' });
    };
    const plugin = await operator.plugin({ name: 'PostgreSQL', reconcile });
    await operator.expectCondition('users', 'Ready', { reason: 'Unsupported' });
    await operator.plugin({ name: 'PostgreSQL', version: '1.1.0' });
    await plugin.stop();
    await operator.expectReady('users', 'PostgreSQL');
    expect(operator.get('users')?.status).toMatchObject({ plugin: { version: '1.1.0' } });
  });

  it('that is unexpected is retried, with the thrown error as its message', async () => {
    const operator = await TestOperator.start();
    operator.table('users');
    await operator.plugin({
      name: 'PostgreSQL',
      reconcile: () => {
        throw new TypeError('undefined is not a function');
      },
    });
    await operator.expectCondition('users', 'Ready', { status: 'False', reason: 'PluginError' });
    expect(operator.condition('users', 'Ready')?.message).toContain('undefined is not a function');
  });
});

describe('a response that comes too late', () => {
  it('is discarded when the resource changed meanwhile', async () => {
    const operator = await TestOperator.start();
    operator.table('users', { n: 1 });
    const release = Promise.withResolvers<void>();
    const seen: number[] = [];
    await operator.plugin({
      name: 'PostgreSQL',
      reconcile: async ({ base }) => {
        const { n } = base.spec as { n: number };
        seen.push(n);
        if (n === 1) await release.promise;
        return { status: { n } };
      },
    });
    await vi.waitFor(() => expect(seen).toEqual([1]));
    operator.table('users', { n: 2 });
    const written: unknown[] = [];
    await operator.resources.follow({ apiVersion: 'myorg.org/v1alpha1', kind: 'Table' }, ({ resource }) => {
      written.push(resource.status?.n);
    });
    release.resolve();
    await operator.expectReady('users');
    expect(seen).toEqual([1, 2]);
    expect(written).not.toContain(1);
  });

  it('is discarded when the plugin is no longer chosen', async () => {
    const operator = await TestOperator.start();
    operator.table('users', { preferredImplementation: 'MariaDB' });
    const release = Promise.withResolvers<void>();
    let called = false;
    await operator.plugin({
      name: 'PostgreSQL',
      reconcile: async () => {
        called = true;
        await release.promise;
        return { status: { postgres: true } };
      },
    });
    await vi.waitFor(() => expect(called).toBe(true));
    await operator.plugin({ name: 'MariaDB' });
    release.resolve();
    await operator.expectReady('users', 'MariaDB');
    expect(operator.get('users')?.status).not.toHaveProperty('postgres');
  });
});

describe('events', () => {
  it('of a plugin are recorded by the operator', async () => {
    const operator = await TestOperator.start({}, { adminAddress: '127.0.0.1:0' });
    operator.table('users');
    await operator.plugin({
      name: 'PostgreSQL',
      reconcile: () => ({ events: [{ type: 'Warning', reason: 'DriftCorrected', message: 'a column was gone' }] }),
    });
    await operator.expectReady('users');
    const response = await fetch(
      `http://${operator.controller.adminAddress}/kplug.v1.DelegationService/ExplainResource`,
      {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ kind: 'table', namespace: 'default', name: 'users' }),
      },
    );
    const { events } = (await response.json()) as { events: { event: { reason: string; target: string } }[] };
    expect(events.map(({ event }) => event)).toContainEqual(
      expect.objectContaining({ reason: 'DriftCorrected', target: keyFor('Table', 'users') }),
    );
  });
});

describe('resources that are delegated by labels', () => {
  const labels = { tier: 'gold' };
  const labelled = (operator: TestOperator, given: Record<string, string>) =>
    operator.resources.apply({
      apiVersion: 'myorg.org/v1alpha1',
      kind: 'Table',
      metadata: { name: 'users', labels: given },
      spec: {},
    });

  it('are reconciled when labelled, and released when the label changes', async () => {
    const operator = await TestOperator.start({ labels });
    const reconciled: string[] = [];
    await operator.plugin({ name: 'PostgreSQL', reconcile: ({ base }) => void reconciled.push(base.metadata.name) });
    labelled(operator, {});
    operator.table('orders');
    await operator.controller.whenIdle();
    expect(operator.get('users')).not.toHaveProperty('status');

    labelled(operator, { ...labels, more: 'x' });
    await operator.expectReady('users');
    labelled(operator, { tier: 'silver' });
    await vi.waitFor(() => expect(operator.get('users')).not.toHaveProperty('status'), { timeout: 10_000 });
    expect(operator.get('users')?.metadata).not.toHaveProperty('finalizers');
    expect(reconciled).toEqual(['users']);
  });

  it('are released by a controller that starts after the label changed', async () => {
    const operator = new TestOperator({ labels });
    const users = labelled(operator, { tier: 'silver' });
    const key = keyFor('Table', 'users');
    await operator.resources.addFinalizer(key, 'kplug.dev/tables', {
      uid: users.metadata.uid,
      fieldManager: 'kplug/tables',
    });
    onTestFinished(() => operator.controller.stop());
    await operator.controller.start();
    await operator.controller.whenIdle();
    expect(operator.get('users')?.metadata).not.toHaveProperty('finalizers');
  });
});

it('updates the reason for waiting while no plugin can be chosen', async () => {
  const operator = await TestOperator.start();
  operator.table('users');
  await operator.expectCondition('users', 'PluginSelected', { message: expect.stringMatching(/none is registered$/) });
  const running = await operator.plugin({ name: 'PostgreSQL', api: 'Table@2.0.0' });
  const message = expect.stringContaining('PostgreSQL 1.0.0: implements API version 2.0.0');
  await operator.expectCondition('users', 'PluginSelected', { status: 'False', message });
  await running.stop();
  await operator.expectCondition('users', 'PluginSelected', { message: expect.stringMatching(/none is registered$/) });
});
