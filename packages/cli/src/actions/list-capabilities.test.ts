import { definePlugin, type ProvidedCapability } from '@kplug/sdk';
import { GreetingWorkspace, kplug } from '@kplug/testing/kplug';
import { expect, it, onTestFinished, vi } from 'vitest';

const waiting = { timeout: 20_000, interval: 20 };

it('lists what resources may ask for', async () => {
  await using workspace = await GreetingWorkspace.make();
  const { at } = await workspace.startOperator();
  const ask = (...args: string[]) => kplug(['capabilities', ...args], { cwd: workspace.manifests });
  const none = await ask();
  expect(none).toMatchObject({ code: 0, stdout: '' });
  expect(none.stderr).toBe(`No plugin provides a capability to the operator at http://${at.adminAddress}.\n`);

  const start = async (name: string, ...provides: ProvidedCapability[]) => {
    const api = { name: 'Greeting', version: '1.0.0', provides };
    const running = await definePlugin({ name, version: '1.0.0', api, reconcile: () => undefined }).serve({
      controller: at.heartbeatAddress,
      bindAddress: '127.0.0.1:0',
    });
    onTestFinished(() => running.stop());
    await vi.waitFor(() => expect(running.registered).toBe(true), waiting);
  };
  await start('Databases', { category: 'database', type: 'postgresql', versions: ['16', '17'] });
  await start('Brokers', { category: 'messaging', type: 'nats', versions: ['2'] });

  const rows = (await ask()).stdout
    .trim()
    .split('\n')
    .map((line) => line.split(/ {3,}/));
  expect(rows).toEqual([
    ['CATEGORY', 'TYPE', 'VERSIONS', 'PLUGIN', 'PLUGIN-VERSION', 'API', 'READY'],
    ['database', 'postgresql', '16, 17', 'Databases', '1.0.0', 'Greeting', '1/1'],
    ['messaging', 'nats', '2', 'Brokers', '1.0.0', 'Greeting', '1/1'],
  ]);
  const { capabilities } = JSON.parse((await ask('--category', 'Messaging', '-o', 'json')).stdout) as {
    capabilities: object[];
  };
  expect(capabilities).toEqual([
    {
      category: 'messaging',
      type: 'nats',
      versions: ['2'],
      plugin: 'Brokers',
      pluginVersion: '1.0.0',
      api: 'Greeting',
      ready: 1,
      instances: 1,
    },
  ]);
  expect((await ask('-o', 'yaml')).stdout).toContain('type: postgresql');
  const { stdout } = await kplug(['plugins', 'describe', 'Databases'], { cwd: workspace.manifests });
  expect(stdout).toContain('Provides      database/postgresql 16, 17');
});
