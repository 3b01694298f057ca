import type { JsonObject } from '@kplug/controller';
import type { ReconcileResult, RuledDependent } from '@kplug/sdk';
import { keyFor, TestOperator } from '@kplug/testing';
import { describe, expect, it, vi } from 'vitest';
import { apiVersion, kinds, service, view, viewKey, waitOptions } from './dependents.fixture.ts';

const plan = { apiVersion, kind: 'Plan' };
const observed = (name: string, more: Partial<RuledDependent> = {}): RuledDependent => ({
  manifest: { ...plan, metadata: { name } },
  policy: 'Observe',
  ...more,
});

/** An operator with a plugin that observes resources of others before it requests its own. */
async function start(dependentsOf: (spec: JsonObject) => ReconcileResult['dependents'], permitted: object[] = [plan]) {
  const operator = await TestOperator.start({
    resync: 3_600_000,
    dependents: { kinds },
    requirements: { kinds: permitted as (typeof plan)[] },
  });
  const calls: (string | undefined)[][] = [];
  await operator.plugin({
    name: 'Observer',
    reconcile: ({ base, dependents }): ReconcileResult => {
      calls.push(dependents.all().map(({ kind, metadata }) => `${kind}/${metadata.name}`));
      const seen = dependents.get<{ spec: JsonObject }>('Plan', 'gold');
      const wanted = dependentsOf((base.spec ?? {}) as JsonObject);
      return { ...(wanted && { dependents: wanted }), ...(seen && { status: { size: seen.spec.size } }) };
    },
  });
  return { operator, calls };
}

const states = (operator: TestOperator) =>
  ((operator.get('users')?.status?.dependents ?? []) as JsonObject[]).map(({ kind, name, reason, observed }) => {
    return `${kind}/${name} ${reason}${observed ? ' observed' : ''}`;
  });

describe('a dependent that is only observed', () => {
  it('is waited for, sent with each call, and never written', async () => {
    const { operator, calls } = await start(() => [observed('gold'), view('own')]);
    operator.table('users');
    await operator.expectCondition('users', 'Ready', {
      reason: 'DependentsNotReady',
      message: 'Plan default/gold is not ready: it does not exist; 0 of 2 dependents are ready',
    });
    expect(states(operator)).toEqual(['Plan/gold Progressing observed', 'View/own Waiting']);
    expect(operator.get('own', 'View')).toBeUndefined();

    const { metadata } = operator.resources.apply({ ...plan, metadata: { name: 'gold' }, spec: { size: 3 } });
    await operator.expectReady('users');
    expect(operator.get('users')?.status).toMatchObject({ size: 3, dependentsReady: '2/2' });
    expect(operator.get('gold', 'Plan')?.metadata).toEqual(metadata);
    expect(calls.at(-1)).toEqual(['View/own', 'Plan/gold']);

    operator.resources.apply({ ...plan, metadata: { name: 'gold' }, spec: { size: 4 } });
    await vi.waitFor(() => expect(operator.get('users')?.status).toMatchObject({ size: 4 }), waitOptions);
    operator.resources.delete(keyFor('Plan', 'gold'));
    await operator.expectCondition('users', 'Ready', { status: 'False', reason: 'DependentsNotReady' });
    expect(operator.get('own', 'View'), 'what was applied stays').toBeDefined();
  });

  it('stays when it is no longer observed, and when the resource is deleted', async () => {
    const { operator } = await start(({ gold }) => (gold ? [observed('gold'), view('own')] : [view('own')]));
    operator.resources.apply({ ...plan, metadata: { name: 'gold' }, spec: {} });
    operator.table('users', { gold: true });
    await operator.expectReady('users');
    operator.table('users', {});
    await operator.expectReady('users');
    expect(states(operator)).toEqual(['View/own Ready']);
    operator.table('users', { gold: true });
    await operator.expectReady('users');
    operator.delete('users');
    await vi.waitFor(() => expect(operator.get('users')).toBeUndefined(), waitOptions);
    expect(operator.get('own', 'View')).toBeUndefined();
    expect(operator.get('gold', 'Plan')).toBeDefined();
  });

  it('may be observed for several resources, and has to fulfil an expression', async () => {
    const { operator } = await start(() => [observed('gold', { readyWhen: 'self.spec.size > 1' }), service('db')]);
    operator.resources.apply({ ...plan, metadata: { name: 'gold' }, spec: { size: 1 } });
    for (const name of ['users', 'orders']) operator.table(name);
    await operator.expectCondition('users', 'Ready', { reason: 'DependentsNotReady' });
    operator.resources.apply({ ...plan, metadata: { name: 'gold' }, spec: { size: 2 } });
    await operator.expectReady('users');
    await operator.expectCondition('orders', 'Ready', {
      reason: 'DependentFailed',
      message: expect.stringContaining('db'),
    });
  });

  it('is still observed by a plugin that answers without dependents', async () => {
    const { operator, calls } = await start(({ quiet }) => (quiet ? undefined : [observed('gold')]));
    operator.resources.apply({ ...plan, metadata: { name: 'gold' }, spec: { size: 1 } });
    operator.table('users');
    await operator.expectReady('users');
    operator.table('users', { quiet: true });
    await operator.expectReady('users');
    operator.resources.apply({ ...plan, metadata: { name: 'gold' }, spec: { size: 2 } });
    await vi.waitFor(() => expect(operator.get('users')?.status).toMatchObject({ size: 2 }), waitOptions);
    expect(calls.at(-1)).toEqual(['Plan/gold']);
    expect(states(operator)).toEqual(['Plan/gold Ready observed']);
  });

  it('is called for once in the steady state', async () => {
    const { operator, calls } = await start(() => [observed('gold')]);
    operator.resources.apply({ ...plan, metadata: { name: 'gold' }, spec: { size: 1 } });
    operator.table('users');
    await operator.expectReady('users');
    await operator.controller.whenIdle();
    const before = calls.length;
    operator.table('users', { changed: true });
    await operator.expectReady('users');
    await operator.controller.whenIdle();
    expect(calls.length - before).toBe(1);
  });
});

describe('an answer is refused', () => {
  const refused = async (item: RuledDependent, permitted: object[], reason: string, message: RegExp) => {
    const { operator } = await start(() => [item, view('own')], permitted);
    operator.resources.apply({ ...plan, metadata: { name: 'gold' }, spec: {} });
    operator.table('users');
    await operator.expectCondition('users', 'Ready', { reason, message: expect.stringMatching(message) });
    expect(operator.resources.get(viewKey('own'))).toBeUndefined();
  };

  it('that observes a kind which the delegation does not permit', () =>
    refused(observed('gold'), [], 'RequirementForbidden', /Plan default\/gold .*list it in requirements.kinds/));

  it.each([
    ['with content', { ...plan, metadata: { name: 'gold' }, spec: {} }, /gives its spec/],
    ['with labels', { ...plan, metadata: { name: 'gold', labels: { a: 'b' } } }, /gives its labels/],
    ['of another namespace', { ...plan, metadata: { name: 'gold', namespace: 'other' } }, /in the namespace other/],
    ['that is the resource itself', { apiVersion, kind: 'Table', metadata: { name: 'users' } }, /the resource itself/],
  ])('that observes a resource %s', (_, manifest, message) =>
    refused({ manifest, policy: 'Observe' }, [plan, { apiVersion, kind: 'Table' }], 'InvalidResponse', message),
  );
});

it('a status that lists resources of others as observed reveals nothing and deletes nothing', async () => {
  const { operator, calls } = await start(() => undefined, []);
  operator.resources.apply({ ...plan, metadata: { name: 'gold' }, spec: {} });
  const { metadata } = operator.table('users');
  const forged = {
    ...plan,
    name: 'gold',
    plugin: 'Observer',
    observed: true,
    reason: 'Ready',
    since: '2026-01-01T00:00:00Z',
  };
  await operator.resources.applyStatus(
    keyFor('Table', 'users'),
    { dependents: [forged] },
    { uid: metadata.uid, fieldManager: 'user' },
  );
  operator.table('users', { changed: true });
  await vi.waitFor(() => expect(calls.length).toBeGreaterThan(1), waitOptions);
  await operator.controller.whenIdle();
  expect(calls.flat()).toEqual([]);
  operator.delete('users');
  await vi.waitFor(() => expect(operator.get('users')).toBeUndefined(), waitOptions);
  expect(operator.get('gold', 'Plan')).toBeDefined();
});
