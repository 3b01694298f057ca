import { createClient } from '@connectrpc/connect';
import { createConnectTransport } from '@connectrpc/connect-node';
import { DelegationService } from '@kplug/protocol';
import { type PluginDefinition, retry } from '@kplug/sdk';
import { TestOperator } from '@kplug/testing';
import { pino } from 'pino';
import { describe, expect, it, vi } from 'vitest';

describe('deleting', () => {
  it("calls the plugin's finalize before the resource is deleted", async () => {
    const operator = await TestOperator.start();
    operator.table('users');
    const causes: string[] = [];
    await operator.plugin({ name: 'PostgreSQL', finalize: ({ cause }) => void causes.push(cause) });
    await operator.expectReady('users');
    operator.delete('users');
    await vi.waitFor(() => expect(operator.get('users')).toBeUndefined());
    expect(causes).toEqual(['deleted']);
  });

  it('is logged', async () => {
    const lines: { msg: string; resource?: string }[] = [];
    const logger = pino({ level: 'info' }, { write: (line) => void lines.push(JSON.parse(line)) });
    const operator = await TestOperator.start({}, { logger });
    operator.table('users');
    operator.delete('users');
    await vi.waitFor(() => expect(operator.get('users')).toBeUndefined());
    expect(lines.filter(({ msg }) => msg === 'deleted')).toEqual([
      expect.objectContaining({ resource: expect.stringMatching(/users/) }),
    ]);
  });

  it('needs no plugin if none has reconciled the resource', async () => {
    const operator = await TestOperator.start();
    operator.table('users');
    await operator.expectCondition('users', 'Ready', { reason: 'NoPlugin' });
    operator.delete('users');
    expect(operator.get('users')).toBeUndefined();
  });

  it('calls no plugin if the delegation needs no finalizing', async () => {
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

  it('removes a finalizer from before the delegation needed none', async () => {
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

  it('is retried when finalize fails', async () => {
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

  it('waits for a plugin that is unavailable, and reports it', async () => {
    const operator = await TestOperator.start();
    operator.table('users');
    const plugin = await operator.plugin({ name: 'PostgreSQL' });
    await operator.expectReady('users');
    await plugin.stop();
    operator.delete('users');
    await operator.expectCondition('users', 'Finalized', {
      status: 'False',
      reason: 'PluginGone',
      message: 'PostgreSQL 1.0.0, which must finalize the resource, is unavailable; waiting for it',
    });
    await operator.plugin({ name: 'PostgreSQL', version: '1.0.1' });
    await vi.waitFor(() => expect(operator.get('users')).toBeUndefined());
  });

  it('lets another plugin finalize with whenPluginGone: fallback', async () => {
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

  it('releases the resource after a time with whenPluginGone: release', async () => {
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
  it('retains what the former plugin created by default', async () => {
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

  it('calls finalize of the former plugin with handOver: finalize', async () => {
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

  it('is not caused by a change of the case of the plugin’s name', async () => {
    const operator = await TestOperator.start(
      { handOver: 'finalize', selection: { fallback: 'none' } },
      { adminAddress: '127.0.0.1:0' },
    );
    operator.table('users', { preferredImplementation: 'postgresql' });
    const causes: string[] = [];
    const finalize: PluginDefinition['finalize'] = ({ cause }) => void causes.push(cause);
    const plugin = await operator.plugin({
      name: 'PostgreSQL',
      reconcile: () => ({ status: { rows: 3 }, conditions: [{ type: 'BackedUp', status: true, reason: 'Done' }] }),
      finalize,
    });
    await operator.expectReady('users', 'PostgreSQL');
    await plugin.stop();
    await operator.plugin({ name: 'POSTGRESQL', reconcile: () => undefined, finalize });
    operator.table('users', { preferredImplementation: 'postgresql', changed: true });
    await operator.expectReady('users', 'POSTGRESQL');
    expect(operator.get('users')?.status).toMatchObject({ rows: 3, plugin: { name: 'POSTGRESQL' } });
    expect(operator.condition('users', 'BackedUp')).toMatchObject({ status: 'True' });
    expect(causes).toEqual([]);
    const transport = createConnectTransport({
      baseUrl: `http://${operator.controller.adminAddress}`,
      httpVersion: '1.1',
    });
    const { events } = await createClient(DelegationService, transport).explainResource({
      kind: 'Table',
      namespace: 'default',
      name: 'users',
    });
    expect(events.map(({ event }) => event?.reason)).not.toContain('HandedOver');
    operator.delete('users');
    await vi.waitFor(() => expect(operator.get('users')).toBeUndefined());
    expect(causes).toEqual(['deleted']);
  });
});
