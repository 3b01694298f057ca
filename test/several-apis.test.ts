import { definePlugin, implementApi } from '@kplug/sdk';
import { TestOperator } from '@kplug/testing';
import { describe, expect, it, vi } from 'vitest';
import { z } from 'zod';

const api = 'Table@1.0.0';

describe('a plugin of one or several APIs', () => {
  it('is called by the functions and schemas of each API', async () => {
    const tables = await TestOperator.start();
    const views = await TestOperator.start({ api: 'View@^1.0.0' });
    const finalized: string[] = [];
    const base = z.object({ spec: z.object({ rows: z.number() }) });
    const plugin = definePlugin({
      name: 'Foobar',
      version: '1.0.0',
      apis: [
        implementApi({
          api,
          base,
          reconcile: (call) => ({ status: { by: 'table', rows: call.base.spec.rows } }),
          finalize: () => void finalized.push('table'),
        }),
        implementApi({
          api: ['View@1.0.0', 'View@2.0.0'],
          reconcile: () => ({ status: { by: 'view' } }),
          finalize: () => void finalized.push('view'),
        }),
      ],
    });
    await tables.serve(plugin);
    await views.serve(plugin);
    for (const operator of [tables, views]) operator.table('users', { rows: 3 });
    await tables.expectReady('users', 'Foobar');
    await views.expectReady('users', 'Foobar');
    expect(tables.get('users')?.status).toMatchObject({ by: 'table', rows: 3 });
    expect(views.get('users')?.status).toMatchObject({ by: 'view' });

    for (const operator of [tables, views]) operator.table('orders', { rows: 'many' });
    await tables.expectCondition('orders', 'Ready', { status: 'False', reason: 'InvalidSpec' });
    await views.expectReady('orders', 'Foobar');
    views.delete('users');
    await vi.waitFor(() => expect(views.get('users')).toBeUndefined());
    expect(finalized).toEqual(['view']);
  });

  it('gets no calls for an API that it is not serving; resources wait or fall back, with the reason', async () => {
    const operator = await TestOperator.start();
    const calls: string[] = [];
    const plugin = await operator.serve(
      definePlugin({
        name: 'Foobar',
        version: '1.0.0',
        apis: [
          implementApi({ api, reconcile: () => void calls.push('table') }),
          implementApi({ api: 'View@1.0.0', reconcile: () => undefined }),
        ],
      }),
    );
    operator.table('users');
    await operator.expectReady('users', 'Foobar');
    plugin.setServing('Table', false);
    await operator.expectCondition('users', 'PluginSelected', {
      status: 'False',
      reason: 'NoPlugin',
      message:
        'waiting for a plugin with API version ^1.0.0: Foobar 1.0.0: it reports that it is not serving this API now',
    });
    const { length } = calls;
    await operator.plugin({ name: 'Other' });
    await operator.expectReady('users', 'Other');
    operator.table('preferred', { preferredImplementation: 'Foobar' });
    await operator.expectCondition('preferred', 'PluginSelected', {
      status: 'True',
      reason: 'Fallback',
      message: 'Other 1.0.0 is the fallback for Foobar: it reports that it is not serving this API now',
    });
    expect(calls).toHaveLength(length);
    plugin.setServing('Table', true);
    await operator.expectReady('preferred', 'Foobar');
  });

  it('reports the health of its only API', async () => {
    const operator = await TestOperator.start();
    const plugin = await operator.plugin({ name: 'Plain' });
    plugin.setServing('Table', false);
    operator.table('users');
    await operator.expectCondition('users', 'PluginSelected', { status: 'False', reason: 'NoPlugin' });
    plugin.setServing('Table', true);
    await operator.expectReady('users', 'Plain');
    expect(() => plugin.setServing('View', false)).toThrow(
      'the plugin doesn\'t implement the API "View"; it implements Table',
    );
  });

  it('implements each API once only', () => {
    const implementation = implementApi({ api, reconcile: () => undefined });
    const identity = { name: 'Foobar', version: '1.0.0' };
    expect(() => definePlugin({ ...identity, apis: [implementation, implementation] })).toThrow(
      'the API Table@1.0.0 is implemented twice; implement it once',
    );
    expect(() => definePlugin({ ...identity, apis: [] })).toThrow('the list of APIs is malformed');
  });
});
