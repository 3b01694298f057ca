import { retry } from '@kplug/sdk';
import { TestOperator } from '@kplug/testing';
import { describe, expect, it, vi } from 'vitest';

describe('deleting', () => {
  it('asks the plugin to undo its work before the resource goes', async () => {
    const operator = await TestOperator.start();
    operator.table('users');
    const causes: string[] = [];
    await operator.plugin({ name: 'PostgreSQL', finalize: ({ cause }) => void causes.push(cause) });
    await operator.expectReady('users');
    operator.delete('users');
    await vi.waitFor(() => expect(operator.get('users')).toBeUndefined());
    expect(causes).toEqual(['deleted']);
  });

  it('needs nobody where nobody was at work', async () => {
    const operator = await TestOperator.start();
    operator.table('users');
    await operator.expectCondition('users', 'Ready', { reason: 'NoPlugin' });
    operator.delete('users');
    expect(operator.get('users')).toBeUndefined();
  });

  it('waits for nobody where plugins make nothing that has to be undone', async () => {
    const operator = await TestOperator.start({ finalize: { needed: false } });
    operator.table('users');
    let finalized = 0;
    await operator.plugin({ name: 'PostgreSQL', finalize: () => void finalized++ });
    await operator.expectReady('users');
    expect(operator.get('users')?.metadata.finalizers ?? []).toEqual([]);
    operator.delete('users');
    expect(operator.get('users')).toBeUndefined();
    expect(finalized).toBe(0);
  });

  it('lets go of what got its finalizer before none was needed', async () => {
    const operator = await TestOperator.start({ finalize: { needed: false } });
    const { uid } = operator.table('users').metadata;
    const options = { uid, fieldManager: 'kplug/tables' };
    const key = 'myorg.org/v1alpha1/Table/default/users';
    await operator.resources.addFinalizer(key, 'kplug.dev/tables', options);
    const plugin = await operator.plugin({ name: 'PostgreSQL' });
    await operator.expectReady('users');
    await plugin.stop();
    operator.delete('users');
    await vi.waitFor(() => expect(operator.get('users')).toBeUndefined());
  });

  it('is tried again when the plugin fails to undo its work', async () => {
    const operator = await TestOperator.start();
    operator.table('users');
    let calls = 0;
    await operator.plugin({
      name: 'PostgreSQL',
      finalize: () => {
        if (++calls < 3) throw retry('the table is locked', { reason: 'Locked' });
      },
    });
    await operator.expectReady('users');
    operator.delete('users');
    await vi.waitFor(() => expect(operator.get('users')).toBeUndefined());
    expect(calls).toBe(3);
  });

  it('waits for a plugin that is gone, and says so', async () => {
    const operator = await TestOperator.start();
    operator.table('users');
    const plugin = await operator.plugin({ name: 'PostgreSQL' });
    await operator.expectReady('users');
    await plugin.stop();
    operator.delete('users');
    await operator.expectCondition('users', 'Finalized', {
      status: 'False',
      reason: 'PluginGone',
      message: "PostgreSQL 1.0.0, which has to undo its work, isn't there; awaiting it",
    });
    await operator.plugin({ name: 'PostgreSQL', version: '1.0.1' });
    await vi.waitFor(() => expect(operator.get('users')).toBeUndefined());
  });

  it('lets another plugin undo the work of one that is gone, where that is declared', async () => {
    const operator = await TestOperator.start({ finalize: { whenPluginGone: 'fallback' } });
    operator.table('users', { preferredImplementation: 'PostgreSQL' });
    const plugin = await operator.plugin({ name: 'PostgreSQL' });
    await operator.expectReady('users', 'PostgreSQL');
    const finalized: string[] = [];
    await operator.plugin({ name: 'MariaDB', finalize: ({ base }) => void finalized.push(base.metadata.name) });
    await plugin.stop();
    await operator.expectReady('users', 'MariaDB');
    operator.delete('users');
    await vi.waitFor(() => expect(operator.get('users')).toBeUndefined());
    expect(finalized).toEqual(['users']);
  });

  it('releases the resource after a time, where that is declared', async () => {
    const operator = await TestOperator.start({ finalize: { whenPluginGone: 'release', releaseAfter: '1500ms' } });
    operator.table('users');
    const plugin = await operator.plugin({ name: 'PostgreSQL' });
    await operator.expectReady('users');
    await plugin.stop();
    operator.delete('users');
    await operator.expectCondition('users', 'Finalized', { status: 'False', reason: 'PluginGone' });
    await vi.waitFor(() => expect(operator.get('users')).toBeUndefined(), { timeout: 10_000 });
  });
});

describe('handing over', () => {
  it('leaves what the former plugin made alone by default', async () => {
    const operator = await TestOperator.start();
    operator.table('users', { preferredImplementation: 'MariaDB' });
    let finalized = 0;
    await operator.plugin({ name: 'PostgreSQL', finalize: () => void finalized++ });
    await operator.expectReady('users', 'PostgreSQL');
    await operator.plugin({ name: 'MariaDB' });
    await operator.expectReady('users', 'MariaDB');
    await operator.controller.whenIdle();
    expect(finalized).toBe(0);
  });

  it('asks the former plugin to finalize, where that is declared', async () => {
    const operator = await TestOperator.start({ handOver: 'finalize' });
    operator.table('users', { preferredImplementation: 'MariaDB' });
    const order: string[] = [];
    await operator.plugin({
      name: 'PostgreSQL',
      finalize: ({ cause }) => void order.push(`PostgreSQL finalizes, ${cause}`),
    });
    await operator.expectReady('users', 'PostgreSQL');
    await operator.plugin({ name: 'MariaDB', reconcile: () => void order.push('MariaDB reconciles') });
    await operator.expectReady('users', 'MariaDB');
    expect(order).toEqual(['PostgreSQL finalizes, handedOver', 'MariaDB reconciles']);
  });
});
