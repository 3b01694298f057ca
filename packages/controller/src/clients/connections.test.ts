import { definePlugin, type RunningPlugin } from '@kplug/sdk';
import { expect, it, onTestFinished, vi } from 'vitest';
import { AwakeClock } from '../registry/clock.ts';
import { Registry } from '../registry/registry.ts';
import { askPlugin } from '../tools/render.ts';
import { Connections } from './connections.ts';
import type { ConnectionsOptions } from './connections-options.ts';

const waitOptions = { timeout: 10_000, interval: 5 };

const addressOf = ({ address }: RunningPlugin) => address.replace(/^:/, '127.0.0.1:');

async function serve(bindAddress = '127.0.0.1:0'): Promise<RunningPlugin> {
  const plugin = await definePlugin({
    name: 'Plain',
    version: '1.0.0',
    api: 'Table@1.0.0',
    reconcile: () => undefined,
  }).serve({ controller: '127.0.0.1:1', bindAddress, instanceId: 'one', logLevel: 'silent', handleSignals: false });
  onTestFinished(() => plugin.stop());
  return plugin;
}

/** Connections to a plugin that is registered. */
async function connect(plugin: RunningPlugin, options: ConnectionsOptions = {}) {
  const clock = new AwakeClock();
  onTestFinished(() => clock[Symbol.dispose]());
  const registry = new Registry({ clock });
  const instance = registry.register({
    ...(await askPlugin(addressOf(plugin))),
    lease: { interval: 30_000, ttl: 60_000 },
  });
  const connections = new Connections(registry, options);
  onTestFinished(() => connections.close());
  return { registry, instance, connections };
}

it('a connection that opens while all are being closed is closed too', async () => {
  const { instance, connections } = await connect(await serve());
  const checked = connections.check(instance);
  connections.close();
  expect(await checked).toBe(false);
  expect(connections.size).toBe(0);
});

it('checks an instance once for concurrent callers', async () => {
  const { instance, connections } = await connect(await serve());
  const checks = [connections.check(instance), connections.check(instance)];
  expect(checks[0]).toBe(checks[1]);
  expect(await Promise.all(checks)).toEqual([true, true]);
  expect(connections.size).toBe(1);
});

it('returns the same connection while it is serving', async () => {
  const { instance, connections } = await connect(await serve());
  const connection = await connections.open(instance);
  expect(connection.state).toBe('serving');
  expect(await connections.open(instance)).toBe(connection);
});

it('checks an unreachable instance with back-off until it answers again', async () => {
  const plugin = await serve();
  const { registry, instance, connections } = await connect(plugin);
  const connection = await connections.open(instance);
  const address = addressOf(plugin);
  await plugin.stop();
  await vi.waitFor(
    () => expect(instance).toMatchObject({ state: 'suspect', suspectReason: 'Unreachable' }),
    waitOptions,
  );
  expect(connection.state).toBe('closed');
  await expect(connections.open(instance)).rejects.toMatchObject({ code: 'PluginUnavailable' });
  await serve(address);
  await vi.waitFor(() => expect(registry.get('one')?.state).toBe('live'), waitOptions);
  expect((await connections.open(instance)).state).toBe('serving');
});

it('closes a connection that is not used, and opens another one on demand', async () => {
  const { instance, connections } = await connect(await serve(), { idleTimeout: 20 });
  const connection = await connections.open(instance);
  await vi.waitFor(() => expect(connection.state).toBe('closed'), waitOptions);
  expect(connections.size).toBe(0);
  expect(instance.state).toBe('live');
  expect((await connections.open(instance)).state).toBe('serving');
});

it('keeps a connection with an in-flight call, whatever its idle timeout', async () => {
  const { instance, connections } = await connect(await serve(), { idleTimeout: 20 });
  const connection = await connections.open(instance);
  const end = Promise.withResolvers<void>();
  const call = connection.call(() => end.promise);
  const other = await connect(await serve(), { idleTimeout: 20 });
  const otherConnection = await other.connections.open(other.instance);
  await vi.waitFor(() => expect(otherConnection.state).toBe('closed'), waitOptions);
  expect(connection.state).toBe('serving');
  expect(connections.inFlight(instance)).toBe(1);
  end.resolve();
  await call;
  await vi.waitFor(() => expect(connection.state).toBe('closed'), waitOptions);
});

it('cancels the in-flight calls of a retired connection when all are closed', async () => {
  const { instance, connections } = await connect(await serve());
  const retired = await connections.open(instance);
  const call = retired.call(
    ({ signal }) => new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
  );
  expect(await connections.check(instance)).toBe(true);
  expect(retired.state).toBe('retired');
  connections.close();
  await expect(call).rejects.toThrow();
  expect(retired.state).toBe('closed');
});

it('retires the connection of a draining instance, which closes when its calls have ended', async () => {
  const { registry, instance, connections } = await connect(await serve());
  const connection = await connections.open(instance);
  const end = Promise.withResolvers<void>();
  const call = connection.call(() => end.promise);
  registry.deregister('one');
  expect(connection.state).toBe('retired');
  end.resolve();
  await call;
  expect(connection.state).toBe('closed');
});
