import { definePlugin } from '@kplug/sdk';
import { pino } from 'pino';
import { expect, it, onTestFinished, vi } from 'vitest';
import { Controller } from './controller.ts';
import type { ControllerOptions } from './controller-options.ts';
import { MemoryResources } from './resources/memory/memory-resources.ts';

const apiVersion = 'example.org/v1';
const key = `${apiVersion}/Table/default/users`;

function create(options: Partial<ControllerOptions> = {}) {
  const resources = new MemoryResources();
  const controller = new Controller({
    resources,
    delegations: [{ name: 'tables', base: { apiVersion, kind: 'Table' }, api: 'Table@^1.0.0' }],
    heartbeatAddress: '127.0.0.1:0',
    adminAddress: false,
    logger: pino({ level: 'silent' }),
    ...options,
  });
  onTestFinished(() => controller.stop());
  return { controller, resources };
}

it('starts only once, and stops any number of times', async () => {
  const { controller } = create();
  await controller.start();
  await expect(controller.start()).rejects.toMatchObject({ code: 'Stopped' });
  await Promise.all([controller.stop(), controller.stop()]);
  await controller.ended;
});

it('closes its resources although it was never started', async () => {
  const { controller, resources } = create();
  const close = vi.spyOn(resources, 'close');
  await controller.stop();
  expect(close).toHaveBeenCalledOnce();
});

it('rejects its start with Stopped if it is stopped meanwhile', async () => {
  const { controller } = create();
  const started = controller.start();
  const stopped = controller.stop();
  await expect(started).rejects.toMatchObject({ code: 'Stopped' });
  await stopped;
});

it('stops when a part fails to start', async () => {
  const { controller: first } = create();
  await first.start();
  const { controller, resources } = create({ heartbeatAddress: first.heartbeatAddress });
  const close = vi.spyOn(resources, 'close');
  await expect(controller.start()).rejects.toMatchObject({ code: 'PortInUse' });
  expect(close).toHaveBeenCalledOnce();
  await controller.ended;
});

it('accepts no more heartbeats while it stops, and finishes in-flight calls', async () => {
  const { controller, resources } = create();
  await controller.start();
  const called = Promise.withResolvers<void>();
  const end = Promise.withResolvers<void>();
  const plugin = await definePlugin({
    name: 'Slow',
    version: '1.0.0',
    api: 'Table@1.0.0',
    reconcile: async () => {
      called.resolve();
      await end.promise;
      return { status: { done: true } };
    },
  }).serve({ controller: controller.heartbeatAddress, logLevel: 'silent', handleSignals: false });
  onTestFinished(() => plugin.stop());
  resources.apply({ apiVersion, kind: 'Table', metadata: { name: 'users', namespace: 'default' }, spec: {} });
  await called.promise;
  const stopped = controller.stop();
  await vi.waitFor(() => expect(plugin.registered).toBe(false), { timeout: 10_000 });
  expect(controller.registry.size).toBe(1);
  end.resolve();
  await stopped;
  expect(resources.get(key)?.status).toMatchObject({ done: true });
  expect(controller.registry.size).toBe(0);
});

it('cancels calls that do not end within the stop timeout', async () => {
  const { controller, resources } = create({ stopTimeout: 20 });
  await controller.start();
  const called = Promise.withResolvers<AbortSignal>();
  const plugin = await definePlugin({
    name: 'Stuck',
    version: '1.0.0',
    api: 'Table@1.0.0',
    reconcile: ({ signal }) => {
      called.resolve(signal);
      return new Promise((resolve) => signal.addEventListener('abort', () => resolve(undefined)));
    },
  }).serve({ controller: controller.heartbeatAddress, logLevel: 'silent', handleSignals: false });
  onTestFinished(() => plugin.stop());
  resources.apply({ apiVersion, kind: 'Table', metadata: { name: 'users', namespace: 'default' }, spec: {} });
  const signal = await called.promise;
  await controller.stop();
  await vi.waitFor(() => expect(signal.aborted).toBe(true), { timeout: 10_000 });
});

it('shows its registry without a way to change it', () => {
  const { controller } = create();
  expect(Object.keys(controller.registry).sort()).toEqual(['get', 'instances', 'size', 'subscribe']);
});

it.each([
  ['registryCapacity', { registryCapacity: Number.NaN }],
  ['stopTimeout', { stopTimeout: -1 }],
  ['lease.interval', { lease: { interval: -1 } }],
  ['lease.ttl', { lease: { ttl: Number.NaN } }],
  ['connections.openTimeout', { connections: { openTimeout: -1 } }],
  ['concurrency', { concurrency: 0 }],
  ['pluginsFolder.health.startTimeout', { pluginsFolder: { directory: 'plugins', health: { startTimeout: -1 } } }],
])('refuses a %s outside of its range', (name, options) => {
  expect(() => create(options)).toThrow(
    expect.objectContaining({
      code: 'InvalidConfiguration',
      message: expect.stringMatching(`^${name} is .*; it must be`),
    }),
  );
});
