import * as grpc from '@grpc/grpc-js';
import { addService, PluginService } from '@kplug/protocol';
import { definePlugin, type PluginDefinition } from '@kplug/sdk';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { askPlugin, renderPass } from './render.ts';

const apiVersion = 'example.org/v1';

const delegation = { name: 'tables', base: { apiVersion, kind: 'Table' }, api: 'Table@^1.0.0' };

/** Serves a plugin without an operator. Returns its address. */
async function serve(definition: Partial<PluginDefinition>): Promise<string> {
  const plugin = await definePlugin({
    name: 'Plain',
    version: '1.2.0',
    api: 'Table@1.0.0',
    reconcile: () => undefined,
    ...definition,
  }).serve({ controller: '127.0.0.1:1', logLevel: 'silent', handleSignals: false });
  onTestFinished(() => plugin.stop());
  return plugin.address.replace(/^:/, '127.0.0.1:');
}

function table(name: string, extensions: string[] = []) {
  const references = extensions.map((extension) => ({ apiVersion, kind: 'Options', name: extension }));
  return { apiVersion, kind: 'Table', metadata: { name }, spec: { extensions: references } };
}

const options = { apiVersion, kind: 'Options', metadata: { name: 'fast' } };

describe('asking a plugin', () => {
  it('returns its registration', async () => {
    const address = await serve({ api: { name: 'Table', version: '1.1.0', extensionKinds: ['Options.example.org'] } });
    expect(await askPlugin(address)).toMatchObject({
      plugin: 'Plain',
      version: '1.2.0',
      address,
      apis: [
        { name: 'Table', version: { version: '1.1.0' }, extensionKinds: [{ group: 'example.org', kind: 'Options' }] },
      ],
    });
  });

  it('fails when none answers', async () => {
    await expect(askPlugin('127.0.0.1:1')).rejects.toMatchObject({
      code: 'PluginUnavailable',
      message: expect.stringContaining('no plugin answers at 127.0.0.1:1: connect ECONNREFUSED'),
    });
  });

  it('fails when its registration is malformed', async () => {
    const server = new grpc.Server();
    const info = { plugin: 'Plain', version: 'latest', apis: [{ name: 'Table', version: '1.0.0' }], instanceId: 'x' };
    addService(server, PluginService, { getInfo: () => info, reconcile: () => ({}), finalize: () => ({}) });
    const port = await new Promise<number>((resolve, reject) => {
      server.bindAsync('127.0.0.1:0', grpc.ServerCredentials.createInsecure(), (error, bound) =>
        error ? reject(error) : resolve(bound),
      );
    });
    onTestFinished(() => server.forceShutdown());
    await expect(askPlugin(`127.0.0.1:${port}`)).rejects.toMatchObject({ code: 'InvalidRegistration' });
  });
});

describe('rendering a pass', () => {
  it('calls the plugin once for each base, and returns the resources', async () => {
    const reconcile = vi.fn<PluginDefinition['reconcile']>(({ base, extensions }) => ({
      status: { made: base.metadata.name },
      extensions: extensions.all('Options').map((extension) => ({ extension, status: { used: true } })),
      events: [{ reason: 'Made', message: 'made it' }],
    }));
    const plugin = await askPlugin(await serve({ reconcile }));
    const manifests = [table('users', ['fast']), table('groups'), options];
    const [users, groups, extension] = await renderPass({ plugin, manifests, delegations: [delegation] });
    expect(reconcile).toHaveBeenCalledTimes(2);
    expect(users?.resource.status).toMatchObject({ implementation: 'Plain', made: 'users' });
    expect(groups?.resource.status).toMatchObject({ implementation: 'Plain', made: 'groups' });
    expect(extension?.resource.status).toEqual({ used: true });
    expect(users?.events).toContainEqual(expect.objectContaining({ reason: 'Made', count: 1 }));
  });

  it('calls a failing plugin once', async () => {
    const reconcile = vi.fn(() => {
      throw new Error('no');
    });
    const plugin = await askPlugin(await serve({ reconcile }));
    const [users] = await renderPass({ plugin, manifests: [table('users')], delegations: [delegation] });
    expect(reconcile).toHaveBeenCalledTimes(1);
    expect(users?.resource.status?.conditions).toContainEqual(
      expect.objectContaining({ type: 'Ready', status: 'False', message: expect.stringContaining('no') }),
    );
  });

  it('refuses malformed manifests and delegations', async () => {
    const plugin = await askPlugin(await serve({}));
    const nameless = { apiVersion, kind: 'Table', metadata: { name: '' } };
    await expect(renderPass({ plugin, manifests: [nameless], delegations: [delegation] })).rejects.toMatchObject({
      code: 'InvalidManifest',
    });
    const misnamed = { ...delegation, name: 'Not A Name' };
    await expect(renderPass({ plugin, manifests: [], delegations: [misnamed] })).rejects.toMatchObject({
      code: 'InvalidConfiguration',
    });
  });
});
