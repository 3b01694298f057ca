import { TestOperator } from '@kplug/testing';
import { describe, expect, it, vi } from 'vitest';
import { apiVersion, kinds, startKeeper, view, viewKey, waitOptions } from './dependents.fixture.ts';

describe('dependents of a deleted base', () => {
  async function deleting(finalize: 'first' | 'last') {
    const operator = await TestOperator.start({ dependents: { kinds, finalize } });
    const steps: string[] = [];
    await operator.plugin({
      name: 'Keeper',
      reconcile: () => ({ dependents: [view('a'), view('b'), { manifest: view('c'), dependsOn: ['View/b'] }] }),
      finalize: () => {
        steps.push('finalized');
      },
    });
    operator.table('users');
    await operator.expectReady('users');
    await operator.resources.follow({ apiVersion, kind: 'View' }, ({ resource, gone }) => {
      if (gone) steps.push(resource.metadata.name);
    });
    return { operator, steps };
  }

  it.each([
    ['first', ['finalized', 'c', 'b', 'a']],
    ['last', ['c', 'b', 'a', 'finalized']],
  ] as const)('are deleted in reverse order, with finalize: %s', async (finalize, expected) => {
    const { operator, steps } = await deleting(finalize);
    operator.delete('users');
    await vi.waitFor(() => expect(operator.get('users')).toBeUndefined(), waitOptions);
    expect(steps).toEqual(expected);
  });

  it.each(['first', 'last'] as const)(
    'are waited for, each before the next one, with finalize: %s',
    async (finalize) => {
      const { operator, steps } = await deleting(finalize);
      const { uid = '' } = operator.get('b', 'View')?.metadata ?? {};
      const options = { uid, fieldManager: 'test' };
      await operator.resources.addFinalizer(viewKey('b'), 'example.org/wait', options);
      operator.delete('users');
      await operator.expectCondition('users', 'Finalized', { status: finalize === 'first' ? 'True' : 'False' });
      await operator.expectCondition('users', 'Ready', {
        status: 'False',
        reason: 'DependentsDeleting',
        message: 'waiting until the dependent View/b is gone, and then 1 more',
      });
      expect(steps).toEqual(finalize === 'first' ? ['finalized', 'c'] : ['c']);
      expect(operator.get('a', 'View')).toBeDefined();
      await operator.resources.removeFinalizer(viewKey('b'), 'example.org/wait', options);
      await vi.waitFor(() => expect(operator.get('users')).toBeUndefined(), waitOptions);
      expect(steps.filter((step) => step === 'finalized')).toHaveLength(1);
      expect(steps.at(-1)).toBe(finalize === 'first' ? 'a' : 'finalized');
    },
  );

  it('stay if they are to be retained, and belong to a base of the same name again', async () => {
    let secret = 0;
    const { operator, states } = await startKeeper(() => [
      { manifest: view('password', { secret: ++secret }), policy: 'CreateOnly', retain: true },
      { manifest: view('data', { rows: 1 }), retain: true },
      { manifest: view('server') },
    ]);
    operator.table('users');
    await operator.expectReady('users');
    operator.delete('users');
    await vi.waitFor(() => expect(operator.get('users')).toBeUndefined(), waitOptions);
    expect(operator.get('server', 'View')).toBeUndefined();
    for (const name of ['password', 'data']) {
      expect(operator.get(name, 'View')?.metadata).toMatchObject({
        annotations: { 'kplug.dev/retained-from': 'Table.myorg.org/default/users' },
        ownerReferences: [],
      });
    }

    // Another base can't have them, and the same one can.
    operator.table('others');
    await operator.expectCondition('others', 'Ready', { status: 'False', reason: 'DependentFailed' });
    operator.delete('others');
    const table = operator.table('users');
    await operator.expectReady('users');
    expect(states()).toEqual(['View/password Ready', 'View/data Ready', 'View/server Ready']);
    expect(operator.get('password', 'View')).toMatchObject({
      spec: { secret: 1 },
      metadata: { ownerReferences: [{ uid: table.metadata.uid }] },
    });
    expect(operator.get('data', 'View')?.metadata.annotations ?? {}).toEqual({});
  });

  it('are released instead of deleted when they are no longer requested', async () => {
    const { operator, states } = await startKeeper(({ keep }) =>
      keep ? [{ manifest: view('data'), retain: true }] : [],
    );
    operator.table('users', { keep: true });
    await operator.expectReady('users');
    operator.table('users', { keep: false });
    await vi.waitFor(() => expect(states()).toEqual([]), waitOptions);
    expect(operator.get('data', 'View')?.metadata.ownerReferences).toEqual([]);
  });
});
