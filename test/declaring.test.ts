import { type JsonObject, KplugError } from '@kplug/controller';
import { type ConditionRead, TestOperator } from '@kplug/testing';
import { describe, expect, it, onTestFinished, vi } from 'vitest';

const apiVersion = 'delegations.kplug.dev/v1alpha1';
const waitOptions = { timeout: 10_000, interval: 5 };
const tables = {
  base: { apiVersion: 'myorg.org/v1alpha1', kind: 'Table' },
  api: 'Table@^1.0.0',
  backOff: { initial: 20, max: 200 },
};

/** Starts an operator whose delegations are declared by resources. Returns the actions of a user. */
async function start(options: ConstructorParameters<typeof TestOperator>[1] = {}) {
  const operator = await TestOperator.start(false, { followDelegations: true, ...options });
  const { resources } = operator;
  const keyOf = (name: string) => `${apiVersion}/Delegation/default/${name}`;
  const statusOf = (name: string) => resources.get(keyOf(name))?.status;
  const allConditionsOf = (name: string) => (statusOf(name)?.conditions ?? []) as unknown as ConditionRead[];
  const conditionsOf = (name: string) =>
    Object.fromEntries(allConditionsOf(name).map(({ type, status, reason }) => [type, `${status} ${reason}`]));
  return {
    operator,
    declare: (name: string, spec: JsonObject = tables) =>
      resources.apply({ apiVersion, kind: 'Delegation', metadata: { name }, spec }),
    remove: (name: string) => resources.delete(keyOf(name)),
    exists: (name: string) => resources.get(keyOf(name)) !== undefined,
    statusOf,
    expectConditions: (name: string, expected: Record<string, string>) =>
      vi.waitFor(() => expect(conditionsOf(name)).toMatchObject(expected), waitOptions),
    messageOf: (name: string, wanted: string) => allConditionsOf(name).find(({ type }) => type === wanted)?.message,
  };
}

describe('a Delegation that is applied', () => {
  it('has existing and new resources reconciled, and reports its state', async () => {
    const { operator, declare, expectConditions, statusOf } = await start();
    operator.table('users');
    await operator.plugin({ name: 'PostgreSQL' });
    declare('tables');
    operator.table('orders');
    for (const name of ['users', 'orders']) await operator.expectReady(name);
    await expectConditions('tables', {
      Accepted: 'True Accepted',
      KindFound: 'True Found',
      Permitted: 'True Permitted',
      PluginsAvailable: 'True Available',
      Ready: 'True Delegating',
    });
    await vi.waitFor(() => {
      expect(statusOf('tables')).toMatchObject({ resources: 2, readyResources: 2, resourceCount: '2/2', plugins: 1 });
    }, waitOptions);
  });

  it('reports that no plugin is available, and lists the registered ones', async () => {
    const { operator, declare, expectConditions, messageOf } = await start();
    declare('tables');
    await expectConditions('tables', { PluginsAvailable: 'False NoPlugin', Ready: 'False NoPlugin' });
    await operator.plugin({ name: 'PostgreSQL', api: 'Table@2.0.0' });
    await vi.waitFor(() => {
      expect(messageOf('tables', 'PluginsAvailable')).toBe(
        'no callable plugin implements Table@^1.0.0; registered: PostgreSQL 1.0.0',
      );
    }, waitOptions);
  });

  it('reports that writes fail for its resources, and that they succeed again', async () => {
    const { operator, declare, expectConditions, messageOf } = await start();
    const original = operator.resources.applyStatus.bind(operator.resources);
    const spy = vi.spyOn(operator.resources, 'applyStatus').mockImplementation(async (key, ...rest) => {
      if (!key.includes('/Table/')) return original(key, ...rest);
      throw new KplugError('StorageFailed', 'the disk is full', { cause: { code: 'ENOSPC' } });
    });
    for (const name of ['a', 'b', 'c', 'd', 'e']) operator.table(name);
    await operator.plugin({ name: 'PostgreSQL' });
    declare('tables', { ...tables, concurrency: 1 });
    await expectConditions('tables', {
      Permitted: 'True Permitted',
      WritesSucceed: 'False StorageFailed',
      Ready: 'False StorageFailed',
    });
    expect(messageOf('tables', 'WritesSucceed')).toMatch(
      /^writes fail for \d resources, and \d others wait .*: the disk is full$/,
    );
    spy.mockRestore();
    await expectConditions('tables', { WritesSucceed: 'True Succeeding', Ready: 'True Delegating' });
  });

  it('starts with the controller when it already exists', async () => {
    const operator = new TestOperator(false, { followDelegations: true });
    operator.resources.apply({ apiVersion, kind: 'Delegation', metadata: { name: 'tables' }, spec: tables });
    operator.table('users');
    onTestFinished(() => operator.controller.stop());
    await operator.controller.start();
    await operator.controller.whenIdle();
    expect(operator.condition('users', 'Ready')).toMatchObject({ reason: 'NoPlugin' });
  });
});

describe('a Delegation that changes', () => {
  it('has its resources reconciled by its new rules', async () => {
    const { operator, declare } = await start();
    for (const name of ['MariaDB', 'PostgreSQL']) await operator.plugin({ name });
    operator.table('users');
    declare('tables', { ...tables, selection: { fallbackOrder: ['PostgreSQL'] } });
    await operator.expectReady('users');
    expect(operator.get('users')?.status).toMatchObject({ implementation: 'PostgreSQL' });
    declare('tables', { ...tables, selection: { mode: 'all' } });
    await vi.waitFor(
      () => expect(operator.get('users')?.status).toMatchObject({ implementation: 'MariaDB,PostgreSQL' }),
      waitOptions,
    );
  });

  it('releases resources that it no longer includes, and retains everything that was created for them', async () => {
    const { operator, declare } = await start();
    const finalized: string[] = [];
    await operator.plugin({
      name: 'PostgreSQL',
      finalize: ({ base }) => void finalized.push(base.metadata.name),
    });
    operator.table('users');
    declare('tables');
    await operator.expectReady('users');
    expect(operator.get('users')?.metadata.finalizers).toEqual(['kplug.dev/tables']);
    declare('tables', { ...tables, namespaces: ['elsewhere'] });
    await vi.waitFor(() => {
      expect(operator.get('users')).not.toHaveProperty('status');
      expect(operator.get('users')?.metadata).not.toHaveProperty('finalizers');
    }, waitOptions);
    expect(finalized).toEqual([]);
    operator.delete('users');
    expect(operator.get('users')).toBeUndefined();
  });

  it('continues as before while it is malformed, and reports that', async () => {
    const { operator, declare, expectConditions, messageOf } = await start();
    await operator.plugin({ name: 'PostgreSQL' });
    declare('tables');
    await expectConditions('tables', { Ready: 'True Delegating' });
    declare('tables', { ...tables, api: 'Table@>>1' });
    await expectConditions('tables', { Accepted: 'False Malformed', Ready: 'False Malformed' });
    expect(messageOf('tables', 'Accepted')).toContain('"Table@>>1" has a malformed version range');
    operator.table('users');
    await operator.expectReady('users');
  });
});

describe('a Delegation that is deleted', () => {
  it('is removed once its resources have been released, and those being deleted finalized', async () => {
    const { operator, declare, remove, exists, expectConditions } = await start();
    let isAllowed = false;
    const finalized: string[] = [];
    await operator.plugin({
      name: 'PostgreSQL',
      finalize: ({ base }) => {
        if (!isAllowed) throw new Error('not yet');
        finalized.push(base.metadata.name);
      },
    });
    declare('tables');
    for (const name of ['users', 'orders']) {
      operator.table(name);
      await operator.expectReady(name);
    }
    operator.delete('users');
    await vi.waitFor(() => expect(operator.condition('users', 'Finalized')).toBeDefined(), waitOptions);
    remove('tables');
    await expectConditions('tables', { Ready: 'False Releasing' });
    await vi.waitFor(() => expect(operator.get('orders')).not.toHaveProperty('status'), waitOptions);
    expect(exists('tables')).toBe(true);
    isAllowed = true;
    await vi.waitFor(() => expect(exists('tables')).toBe(false), waitOptions);
    expect(finalized).toEqual(['users']);
    expect(operator.get('users')).toBeUndefined();
    expect(operator.get('orders')?.metadata).not.toHaveProperty('finalizers');
    operator.table('orders', { changed: true });
    await operator.controller.whenIdle();
    expect(operator.get('orders')).not.toHaveProperty('status');
  });
});

describe('Delegations of the same kind', () => {
  it('are refused in favour of the oldest, and replace it when it is deleted', async () => {
    const { operator, declare, remove, exists, expectConditions } = await start();
    await operator.plugin({ name: 'PostgreSQL' });
    operator.table('users');
    declare('first');
    await operator.expectReady('users');
    declare('second');
    await expectConditions('second', { Accepted: 'False KindTaken', Ready: 'False KindTaken' });
    remove('first');
    await vi.waitFor(() => expect(exists('first')).toBe(false), waitOptions);
    await expectConditions('second', { Ready: 'True Delegating' });
    await vi.waitFor(
      () => expect(operator.get('users')?.metadata.finalizers).toEqual(['kplug.dev/second']),
      waitOptions,
    );
  });

  it('are both accepted in separate namespaces', async () => {
    const { declare, expectConditions } = await start();
    declare('first', { ...tables, namespaces: ['a', 'b'] });
    declare('second', { ...tables, namespaces: ['c'] });
    for (const name of ['first', 'second']) await expectConditions(name, { Accepted: 'True Accepted' });
    declare('second', { ...tables, namespaces: ['b', 'c'] });
    await expectConditions('second', { Accepted: 'False KindTaken' });
  });
});
