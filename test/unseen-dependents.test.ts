import type { JsonObject } from '@kplug/controller';
import type { ReconcileResult } from '@kplug/sdk';
import { TestOperator } from '@kplug/testing';
import { expect, it, vi } from 'vitest';
import { apiVersion, kinds, view, viewKey, waitOptions } from './dependents.fixture.ts';

/** Records the readiness of a table whenever its status changes. */
async function recordReady(operator: TestOperator): Promise<{ status: unknown; fields: JsonObject }[]> {
  const recorded: { status: unknown; fields: JsonObject }[] = [];
  await operator.resources.follow({ apiVersion, kind: 'Table' }, ({ resource: { status = {} } }) => {
    const conditions = (status.conditions ?? []) as JsonObject[];
    recorded.push({ status: conditions.find(({ type }) => type === 'Ready')?.status, fields: status });
  });
  return recorded;
}

it('a plugin is called with what it created or changed before the resource is ready', async () => {
  const operator = await TestOperator.start({ dependents: { kinds } });
  const recorded = await recordReady(operator);
  await operator.plugin({
    name: 'Keeper',
    reconcile: ({ base, dependents }): ReconcileResult => {
      const existing = dependents.get<{ spec: { rows: number } }>('View', 'all');
      return {
        dependents: [view('all', (base.spec ?? {}) as JsonObject)],
        ...(existing && { status: { rows: existing.spec.rows } }),
      };
    },
  });
  for (const rows of [1, 2]) {
    operator.table('users', { rows });
    await operator.expectReady('users');
    expect(operator.get('users')?.status, 'as soon as it is ready').toMatchObject({ rows });
  }
  expect(recorded.filter(({ status, fields }) => status === 'True' && fields.rows === undefined)).toEqual([]);
});

it('a plugin that requests one after it has seen the other reaches the end without a change of the resource', async () => {
  const operator = await TestOperator.start({ dependents: { kinds } });
  const names = ['a', 'b', 'c', 'd'];
  let calls = 0;
  await operator.plugin({
    name: 'Keeper',
    reconcile: ({ dependents }): ReconcileResult => {
      calls += 1;
      return { dependents: names.slice(0, dependents.all().length + 1).map((name) => view(name)) };
    },
  });
  operator.table('users');
  await operator.expectReady('users');
  expect(operator.get('users')?.status).toMatchObject({ dependentsReady: '4/4' });
  await operator.controller.whenIdle();
  expect(calls).toBe(5);
});

it('the repair of a dependent leads to a call with the repaired one, and the resource stays ready', async () => {
  const operator = await TestOperator.start({ dependents: { kinds } });
  const seen: unknown[] = [];
  await operator.plugin({
    name: 'Keeper',
    reconcile: ({ dependents }): ReconcileResult => {
      seen.push(dependents.get<{ spec: object }>('View', 'all')?.spec);
      return { dependents: [view('all', { rows: 1 })] };
    },
  });
  operator.table('users');
  await operator.expectReady('users');
  await operator.controller.whenIdle();
  const recorded = await recordReady(operator);
  operator.extension('View', 'all', { rows: 9 });
  await vi.waitFor(() => expect(seen.slice(2)).toEqual([{ rows: 9 }, { rows: 1 }]), waitOptions);
  await operator.controller.whenIdle();
  expect(recorded.filter(({ status }) => status !== 'True')).toEqual([]);
  expect(seen).toHaveLength(4);
});

it('a dependent that another client keeps changing is not called unstable', async () => {
  const operator = await TestOperator.start({ dependents: { kinds } });
  await operator.plugin({ name: 'Keeper', reconcile: () => ({ dependents: [view('all', { rows: 1 })] }) });
  operator.table('users');
  await operator.expectReady('users');
  const recorded = await recordReady(operator);
  for (let change = 0; change < 20; change += 1) {
    operator.extension('View', 'all', { rows: 9 });
    await vi.waitFor(() => expect(operator.resources.get(viewKey('all'))?.spec).toEqual({ rows: 1 }), waitOptions);
  }
  expect(recorded.filter(({ status }) => status !== 'True')).toEqual([]);
});

it('passwords that are generated anew at each call, and kept, do not make a request unstable', async () => {
  const operator = await TestOperator.start({ dependents: { kinds } });
  let calls = 0;
  await operator.plugin({
    name: 'Keeper',
    reconcile: (): ReconcileResult => {
      calls += 1;
      return {
        dependents: [{ manifest: view('secret', { password: calls }), policy: 'CreateOnly' }],
        requeueAfter: 10,
      };
    },
  });
  operator.table('users');
  await operator.expectReady('users');
  const recorded = await recordReady(operator);
  await vi.waitFor(() => expect(calls).toBeGreaterThan(20), waitOptions);
  expect(recorded.filter(({ status }) => status !== 'True')).toEqual([]);
});
