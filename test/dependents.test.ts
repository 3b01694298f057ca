import type { JsonObject } from '@kplug/controller';
import type { Dependent } from '@kplug/sdk';
import { TestOperator } from '@kplug/testing';
import { describe, expect, it, vi } from 'vitest';

const apiVersion = 'myorg.org/v1alpha1';
const waitOptions = { timeout: 10_000, interval: 5 };
const allowed = { dependents: { kinds: [{ apiVersion, kind: 'View' }] } };

const view = (name: string, spec: JsonObject = {}): Dependent => ({
  apiVersion,
  kind: 'View',
  metadata: { name },
  spec,
});

/** A plugin that requests the views that its table lists. */
function keeper(seen: string[][] = []) {
  return {
    name: 'Keeper',
    reconcile: ({ base, dependents }: Parameters<Parameters<TestOperator['plugin']>[0]['reconcile'] & {}>[0]) => {
      seen.push(dependents.all().map(({ metadata }) => metadata.name));
      const { views } = base.spec as { views?: JsonObject };
      if (!views) return {};
      return { dependents: Object.entries(views).map(([name, rows]) => view(name, { rows: rows as number })) };
    },
  };
}

describe('dependents', () => {
  it('are created, changed and removed as the plugin requests, and sent to it', async () => {
    const operator = await TestOperator.start(allowed);
    const seen: string[][] = [];
    await operator.plugin(keeper(seen));
    const table = operator.table('users', { views: { a: 1, b: 2 } });
    await operator.expectReady('users');
    expect(operator.get('a', 'View')).toMatchObject({
      spec: { rows: 1 },
      metadata: { ownerReferences: [{ kind: 'Table', name: 'users', uid: table.metadata.uid, controller: true }] },
    });
    expect(operator.get('users')?.status).toMatchObject({
      dependents: [
        { apiVersion, kind: 'View', name: 'a', plugin: 'Keeper', ready: true, reason: 'Ready' },
        { apiVersion, kind: 'View', name: 'b', plugin: 'Keeper', ready: true, reason: 'Ready' },
      ],
      dependentsReady: '2/2',
    });
    operator.table('users', { views: { b: 3 } });
    await operator.expectReady('users');
    expect(operator.get('a', 'View')).toBeUndefined();
    expect(operator.get('b', 'View')?.spec).toEqual({ rows: 3 });
    expect(seen.at(-1), 'the call after the one that removed a').toEqual(['b']);

    // An answer without dependents changes none; an empty list removes all.
    operator.table('users', {});
    await operator.expectReady('users');
    expect(operator.get('b', 'View')).toBeDefined();
    operator.table('users', { views: {} });
    await operator.expectReady('users');
    expect(operator.get('b', 'View')).toBeUndefined();
    expect(operator.get('users')?.status).not.toHaveProperty('dependents');
    expect(operator.get('users')?.status).not.toHaveProperty('dependentsReady');
  });

  it('are repaired when another client changes or deletes them, with one further call', async () => {
    const operator = await TestOperator.start(allowed);
    const seen: string[][] = [];
    await operator.plugin(keeper(seen));
    operator.table('users', { views: { a: 1 } });
    await operator.expectReady('users');
    await operator.controller.whenIdle();
    expect(seen).toEqual([[], ['a']]);
    operator.extension('View', 'a', { rows: 9 });
    await vi.waitFor(() => expect(operator.get('a', 'View')?.spec).toEqual({ rows: 1 }), waitOptions);
    operator.resources.delete(`${apiVersion}/View/default/a`);
    await vi.waitFor(() => expect(operator.get('a', 'View')?.spec).toEqual({ rows: 1 }), waitOptions);
  });

  it('that another client keeps changing cause a few passes at its pace, and then one a second', async () => {
    const operator = await TestOperator.start(allowed);
    const seen: string[][] = [];
    await operator.plugin(keeper(seen));
    operator.table('users', { views: { a: 1 } });
    await operator.expectReady('users');
    let changes = 0;
    const startedAt = performance.now();
    await operator.resources.follow({ apiVersion, kind: 'View' }, ({ resource, gone }) => {
      if (gone || resource.spec?.rows !== 1) return;
      changes++;
      queueMicrotask(() => void operator.extension('View', 'a', { rows: 9 }));
    });
    await vi.waitFor(() => expect(changes).toBeGreaterThan(103), waitOptions);
    const seconds = (performance.now() - startedAt) / 1_000;
    expect(seen.length).toBeLessThanOrEqual(103 + seconds);
  });

  it('are deleted with their owner', async () => {
    const operator = await TestOperator.start(allowed);
    await operator.plugin(keeper());
    operator.table('users', { views: { a: 1 } });
    await operator.expectReady('users');
    operator.delete('users');
    await vi.waitFor(() => expect(operator.get('users')).toBeUndefined(), waitOptions);
    expect(operator.get('a', 'View')).toBeUndefined();
  });

  it.each([
    ['retain', true],
    ['finalize', false],
  ] as const)('are retained or removed at a hand-over with handOver: %s', async (handOver, stays) => {
    const operator = await TestOperator.start({ ...allowed, handOver });
    await operator.plugin(keeper());
    operator.table('users', { views: { a: 1 } });
    await operator.expectReady('users', 'Keeper');
    await operator.plugin({ name: 'Other', reconcile: () => ({ dependents: [view('b')] }) });
    operator.table('users', { views: { a: 1 }, preferredImplementation: 'Other' });
    await operator.expectReady('users', 'Other');
    expect(operator.get('b', 'View')).toBeDefined();
    expect(operator.get('a', 'View') !== undefined).toBe(stays);
  });

  it('stay when only the case of the plugin’s name changes', async () => {
    const operator = await TestOperator.start({ ...allowed, handOver: 'finalize' });
    const plugin = await operator.plugin(keeper());
    operator.table('users', { views: { a: 1 } });
    await operator.expectReady('users', 'Keeper');
    await plugin.stop();
    await operator.plugin({ name: 'KEEPER', reconcile: () => undefined });
    operator.table('users', { changed: true });
    await operator.expectReady('users', 'KEEPER');
    expect(operator.get('a', 'View')).toBeDefined();
    expect(operator.get('users')?.status?.dependents).toMatchObject([
      { apiVersion, kind: 'View', name: 'a', plugin: 'Keeper' },
    ]);
  });
});

describe('an answer with a forbidden dependent', () => {
  it.each([
    ['of a kind that is not allowed', { apiVersion, kind: 'Role' }, /of a kind that the delegation doesn't allow/],
    ['in another namespace', { metadata: { name: 'a', namespace: 'system' } }, /outside of the resource's namespace/],
    [
      'with a finalizer',
      { metadata: { name: 'a', finalizers: ['x'] } },
      /metadata\.finalizers must not be set by a plugin/,
    ],
    ['without a name', { metadata: {} }, /dependents\[1\]\.metadata\.name is missing/],
    ['twice', { metadata: { name: 'good' } }, /twice/],
  ])('%s is refused as a whole', async (_, wrong, message) => {
    const operator = await TestOperator.start(allowed);
    const dependents = [view('good'), { ...view('a'), ...wrong }] as Dependent[];
    await operator.plugin({ name: 'Greedy', reconcile: () => ({ status: { taken: true }, dependents }) });
    operator.table('users');
    await operator.expectCondition('users', 'Ready', {
      status: 'False',
      reason: 'InvalidResponse',
      message: expect.stringMatching(message),
    });
    expect(operator.get('users')?.status).not.toHaveProperty('taken');
    expect(operator.get('good', 'View')).toBeUndefined();
  });

  it('that another client created is reported, and the resource left alone', async () => {
    const operator = await TestOperator.start(allowed);
    operator.extension('View', 'theirs', { rows: 7 });
    await operator.plugin({ name: 'Greedy', reconcile: () => ({ dependents: [view('mine'), view('theirs')] }) });
    operator.table('users');
    await operator.expectCondition('users', 'Ready', {
      status: 'False',
      reason: 'DependentFailed',
      message: 'View default/theirs already exists and is not owned by Table default/users; delete it or rename it',
    });
    expect(operator.get('theirs', 'View')?.spec).toEqual({ rows: 7 });
    operator.resources.delete(`${apiVersion}/View/default/theirs`);
    await operator.expectReady('users');
    expect(operator.get('mine', 'View')).toBeDefined();
  });
});
