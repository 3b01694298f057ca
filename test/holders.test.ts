import { createClient } from '@connectrpc/connect';
import { createConnectTransport } from '@connectrpc/connect-node';
import type { DelegationDeclaration } from '@kplug/controller';
import { DelegationService } from '@kplug/protocol';
import { definePlugin, implementApi, retry } from '@kplug/sdk';
import { keyFor, TestOperator } from '@kplug/testing';
import { describe, expect, it, vi } from 'vitest';

type Delegation = Partial<DelegationDeclaration>;

/** Calls of plugins, such as `Plain 1.0.0 deleted`. */
const calls: string[] = [];

/** Serves a plugin that records its calls. */
async function serve(operator: TestOperator, name: string, version: string, api: string, capabilities = {}) {
  const [apiName = '', apiVersion = ''] = api.split('@');
  return operator.plugin({
    name,
    version,
    api: { name: apiName, version: apiVersion, capabilities },
    reconcile: () => ({ status: { by: `${name} ${version}` } }),
    finalize: ({ cause }) => void calls.push(`${name} ${version} ${cause}`),
  });
}

/** Has plugins reconcile `users`, and starts an operator that knows its state but has other settings. */
async function restart(before: Delegation, plugins: [string, string, string][], after: Delegation) {
  calls.length = 0;
  const first = await TestOperator.start(before);
  first.table('users');
  for (const plugin of plugins) await serve(first, ...plugin);
  const names = plugins.map(([name]) => name).sort();
  await first.expectReady('users', names.join(','));
  const stored = first.resources.stored(keyFor('Table', 'users'));
  if (!stored) throw new Error('Nothing is stored.');
  await first.controller.stop();
  const operator = await TestOperator.start(after, { adminAddress: '127.0.0.1:0' });
  operator.resources.restore(stored);
  return operator;
}

async function deleted(operator: TestOperator): Promise<void> {
  operator.delete('users');
  await vi.waitFor(() => expect(operator.get('users')).toBeUndefined(), { timeout: 10_000 });
}

describe('the plugin that holds a resource finalizes it', () => {
  it('although the range of the API was raised', async () => {
    const operator = await restart({}, [['Plain', '1.0.0', 'Table@1.0.0']], { api: 'Table@^2.0.0' });
    await serve(operator, 'Plain', '1.0.0', 'Table@1.0.0');
    await operator.expectCondition('users', 'Ready', { status: 'False', reason: 'NoPlugin' });
    await deleted(operator);
    expect(calls).toEqual(['Plain 1.0.0 deleted']);
  });

  it('although a capability is required that it lacks', async () => {
    const selection = { capabilities: { backup: 'yes' } };
    const operator = await restart({}, [['Plain', '1.0.0', 'Table@1.0.0']], { selection });
    await serve(operator, 'Plain', '1.0.0', 'Table@1.0.0');
    await operator.expectCondition('users', 'Ready', { status: 'False', reason: 'NoPlugin' });
    await deleted(operator);
    expect(calls).toEqual(['Plain 1.0.0 deleted']);
  });

  it('although the resource prefers another one, which the fallback does not replace', async () => {
    const operator = await restart({}, [['Plain', '1.0.0', 'Table@1.0.0']], { selection: { fallback: 'none' } });
    operator.table('users', { preferredImplementation: 'Fancy' });
    await serve(operator, 'Plain', '1.0.0', 'Table@1.0.0');
    await operator.expectCondition('users', 'Ready', { status: 'False', reason: 'PreferredUnavailable' });
    await deleted(operator);
    expect(calls).toEqual(['Plain 1.0.0 deleted']);
  });

  it('although the delegation has another API', async () => {
    const operator = await restart({}, [['Plain', '1.0.0', 'Table@1.0.0']], { api: 'View@^1.0.0' });
    operator.delete('users');
    await operator.expectCondition('users', 'Finalized', { reason: 'PluginGone' });
    const view = { api: 'View@1.0.0', reconcile: () => undefined, finalize: () => void calls.push('view') };
    const table = {
      api: 'Table@1.0.0',
      reconcile: () => undefined,
      finalize: ({ assignment }: { assignment: { api: string } }) => void calls.push(assignment.api),
    };
    await operator.serve(
      definePlugin({ name: 'Plain', version: '1.0.0', apis: [implementApi(view), implementApi(table)] }),
    );
    await vi.waitFor(() => expect(operator.get('users')).toBeUndefined(), { timeout: 10_000 });
    expect(calls).toEqual(['Table']);
  });

  it('in the version that reconciled it last', async () => {
    const operator = await restart({}, [['Plain', '1.0.0', 'Table@1.0.0']], { api: 'Table@^2.0.0' });
    const former = await serve(operator, 'Plain', '1.0.0', 'Table@1.0.0');
    former.setServing('Table', false);
    await serve(operator, 'Plain', '2.0.0', 'Table@2.0.0');
    await operator.expectReady('users', 'Plain');
    expect(operator.get('users')?.status).toMatchObject({ plugin: { version: '2.0.0' } });
    await deleted(operator);
    expect(calls).toEqual(['Plain 2.0.0 deleted']);
  });

  it('and a version with an incompatible API waits for it while it is registered, and then takes its place', async () => {
    const operator = await restart({}, [['Plain', '1.0.0', 'Table@1.0.0']], { api: 'Table@^2.0.0' });
    const former = await serve(operator, 'Plain', '1.0.0', 'Table@1.0.0');
    former.setServing('Table', false);
    operator.delete('users');
    await operator.expectCondition('users', 'Finalized', { reason: 'PluginGone' });
    await serve(operator, 'Plain', '2.0.0', 'Table@2.0.0');
    await operator.expectCondition('users', 'Finalized', {
      message:
        'Plain 1.0.0, which must finalize the resource, is unavailable, and version 2.0.0 (API Table 2.0.0) ' +
        "can't take its place; waiting for it",
    });
    expect(calls).toEqual([]);
    await former.stop();
    await vi.waitFor(() => expect(operator.get('users')).toBeUndefined(), { timeout: 10_000 });
    expect(calls).toEqual(['Plain 2.0.0 deleted']);
  });

  it('in another version with a compatible API', async () => {
    const operator = await restart({}, [['Plain', '1.0.0', 'Table@1.1.0']], { api: 'Table@^2.0.0' });
    await serve(operator, 'Plain', '1.3.0', 'Table@1.2.0');
    await serve(operator, 'Plain', '2.0.0', 'Table@3.0.0');
    await deleted(operator);
    expect(calls).toEqual(['Plain 1.3.0 deleted']);
  });

  it('if several do, each of them, and once although one is missing for a while', async () => {
    const all: Delegation = { selection: { mode: 'all' } };
    const plugins: [string, string, string][] = [
      ['A', '1.0.0', 'Table@1.0.0'],
      ['B', '1.0.0', 'Table@1.0.0'],
    ];
    const operator = await restart(all, plugins, { ...all, api: 'Table@^2.0.0' });
    await serve(operator, 'B', '1.0.0', 'Table@1.0.0');
    operator.delete('users');
    await operator.expectCondition('users', 'Finalized', {
      message: 'A 1.0.0, which must finalize the resource, is unavailable; waiting for it',
    });
    expect(Object.keys(operator.get('users')?.status?.implementations ?? {})).toEqual(['A']);
    await serve(operator, 'Other', '1.0.0', 'Table@1.0.0');
    await operator.controller.whenIdle();
    await serve(operator, 'A', '1.0.0', 'Table@1.0.0');
    await vi.waitFor(() => expect(operator.get('users')).toBeUndefined(), { timeout: 10_000 });
    expect(calls).toEqual(['B 1.0.0 deleted', 'A 1.0.0 deleted']);
  });

  it('although the delegation lets one plugin reconcile instead of all', async () => {
    const plugins: [string, string, string][] = [
      ['A', '1.0.0', 'Table@1.0.0'],
      ['B', '1.0.0', 'Table@1.0.0'],
    ];
    const operator = await restart({ selection: { mode: 'all' } }, plugins, { api: 'Table@^2.0.0' });
    for (const plugin of plugins) await serve(operator, ...plugin);
    await deleted(operator);
    expect([...calls].sort()).toEqual(['A 1.0.0 deleted', 'B 1.0.0 deleted']);
  });

  it('before it is handed over to another one, although the range of the API was raised', async () => {
    const after: Delegation = { api: 'Table@^2.0.0', handOver: 'finalize' };
    const operator = await restart({}, [['Plain', '1.0.0', 'Table@1.0.0']], after);
    await serve(operator, 'Plain', '1.0.0', 'Table@1.0.0');
    await serve(operator, 'Fancy', '2.0.0', 'Table@2.0.0');
    await operator.expectReady('users', 'Fancy');
    expect(calls).toEqual(['Plain 1.0.0 handedOver']);
  });

  it('and is named when the choice is explained', async () => {
    const operator = await restart({}, [['Plain', '1.0.0', 'Table@1.0.0']], { api: 'View@^1.0.0' });
    const baseUrl = `http://${operator.controller.adminAddress}`;
    const client = createClient(DelegationService, createConnectTransport({ baseUrl, httpVersion: '1.1' }));
    const explain = () => client.explainResource({ kind: 'Table', namespace: 'default', name: 'users' });
    await operator.expectCondition('users', 'Ready', { status: 'False', reason: 'NoPlugin' });
    expect(await explain()).toMatchObject({ resource: { plugin: 'Plain', pluginVersion: '1.0.0' }, candidates: [] });
    operator.delete('users');
    await operator.expectCondition('users', 'Finalized', { reason: 'PluginGone' });
    expect(await explain()).toMatchObject({
      reason: 'Deleted',
      message: 'Plain 1.0.0 (API Table 1.0.0) holds the resource and must finalize it; it is unavailable',
    });
    await operator.plugin({
      name: 'Plain',
      version: '1.1.0',
      finalize: () => {
        throw retry('the table is locked');
      },
    });
    expect(await explain()).toMatchObject({
      candidates: [{ plugin: 'Plain', version: '1.1.0', readyInstances: 1, reason: 'Holder' }],
    });
  });
});
