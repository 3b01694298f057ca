import { definePlugin } from '@kplug/sdk';
import { expect, it, onTestFinished } from 'vitest';
import { AwakeClock } from '../registry/clock.ts';
import { Registry } from '../registry/registry.ts';
import { askPlugin } from '../tools/render.ts';
import { Connections } from './connections.ts';

it('a connection that opens while all are being closed is closed too', async () => {
  const plugin = await definePlugin({
    name: 'Plain',
    version: '1.0.0',
    api: 'Table@1.0.0',
    reconcile: () => undefined,
  }).serve({ controller: '127.0.0.1:1', logLevel: 'silent', handleSignals: false });
  onTestFinished(() => plugin.stop());
  const clock = new AwakeClock();
  onTestFinished(() => clock[Symbol.dispose]());
  const registry = new Registry({ clock });
  const instance = registry.register(await askPlugin(plugin.address.replace(/^:/, '127.0.0.1:')));
  const connections = new Connections(registry);
  const checked = connections.check(instance);
  connections.close();
  expect(await checked).toBe(false);
  expect(connections.size).toBe(0);
});
