import { expect, it, vi } from 'vitest';
import { registrationOf } from '../registry/testing.ts';
import type { DeclaredEndpoint, ExpectedPlugin } from '../resources/services/plugin-declarations.ts';
import { EndpointProbe } from './endpoint-probe.ts';
import type { ProbeParts } from './probe.ts';
import { eventually, InfoServer, postgresql, probeParts } from './testing.ts';

const declaration = { source: 'address', namespace: 'default', name: 'postgresql' } as const;
const anything: ExpectedPlugin = { apis: [] };

function start(parts: ProbeParts, address: string, expected = anything, state: DeclaredEndpoint['state'] = 'ready') {
  return new EndpointProbe(declaration, { address, state }, expected, parts, () => undefined);
}

it('registers the plugin that answers, and renews its lease with each answer', async () => {
  const server = await InfoServer.start();
  const { parts, registry } = probeParts();
  const probe = start(parts, server.address);
  expect(probe.isProbed).toBe(false);
  await probe.probed;
  expect(probe).toMatchObject({ isProbed: true, failure: undefined, reportedId: 'process-1' });
  const instance = registry.get(probe.instanceId);
  expect(instance).toMatchObject({ state: 'live', registration: { plugin: 'PostgreSQL', address: server.address } });
  const heard = instance?.lastHeardAt ?? 0;
  await eventually(() => expect(instance?.lastHeardAt).toBeGreaterThan(heard));
});

it('probes less often after six answers in a row', async () => {
  const server = await InfoServer.start();
  const { parts } = probeParts({ interval: 1 });
  const again = vi.spyOn(parts.queue, 'addAfter');
  start(parts, server.address);
  await eventually(() => expect(server.calls).toBeGreaterThan(8));
  const delays = again.mock.calls.map(([, delay]) => delay);
  expect(delays.slice(0, 8)).toEqual([1, 1, 1, 1, 1, 1, 6, 6]);
});

it('marks an instance as suspect at the second failure in a row, and as live when it answers again', async () => {
  const server = await InfoServer.start();
  // The lease, of 18 intervals, outlasts the restart of the server.
  const { parts, registry } = probeParts({ interval: 1_000 });
  const states: string[] = [];
  registry.subscribe(({ instance, from }) => from !== instance.state && states.push(instance.state));
  const failures: (string | undefined)[] = [];
  const probe: EndpointProbe = new EndpointProbe(
    declaration,
    { address: server.address, state: 'ready' },
    anything,
    parts,
    () => failures.push(`${probe.failure?.reason} ${registry.get(probe.instanceId)?.state}`),
  );
  await probe.probed;
  server.stop();
  await eventually(() => expect(states).toEqual(['live', 'suspect']));
  await eventually(() => expect(failures).toContain('Unreachable suspect'));
  expect(failures.indexOf('Unreachable live')).toBeLessThan(failures.indexOf('Unreachable suspect'));
  await InfoServer.start(postgresql, server.address);
  // A probe renews the lease; the check of the connection makes the instance live.
  await eventually(() => expect(probe.failure).toBeUndefined());
  registry.markReachable(probe.instanceId);
  expect(states).toEqual(['live', 'suspect', 'live']);
});

it('removes an instance that turns out to be another plugin', async () => {
  const server = await InfoServer.start();
  const { parts, registry } = probeParts();
  const probe = start(parts, server.address, { plugin: 'PostgreSQL', apis: [] });
  await probe.probed;
  server.info = { ...postgresql, plugin: 'MariaDB' };
  await eventually(() => expect(registry.size).toBe(0));
  expect(probe.failure?.reason).toBe('PluginMismatch');
});

it('retries with back-off until the plugin answers', async () => {
  const server = await InfoServer.start({ ...postgresql, version: 'latest' });
  const { parts, registry } = probeParts();
  const probe = start(parts, server.address);
  await eventually(() => expect(parts.queue.failures(probe)).toBeGreaterThan(2));
  expect(probe.failure?.reason).toBe('GetInfoMalformed');
  server.info = postgresql;
  await eventually(() => expect(registry.get(probe.instanceId)?.state).toBe('live'));
  expect(parts.queue.failures(probe)).toBe(0);
});

it('never connects to a reserved address', async () => {
  const server = await InfoServer.start();
  const { parts } = probeParts({ reserved: [server.address] });
  const probe = start(parts, server.address);
  await eventually(() => expect(parts.queue.failures(probe)).toBeGreaterThan(2));
  expect(probe.failure?.reason).toBe('AddressNotAllowed');
  expect(server.calls).toBe(0);
});

it('drains the instance of an endpoint that is not ready, without probing it', async () => {
  const server = await InfoServer.start();
  const { parts, registry } = probeParts({ interval: 60_000 });
  const { address } = server;
  const probe = start(parts, address);
  await probe.probed;
  probe.update({ address, state: 'unready' }, anything);
  await eventually(() => expect(registry.get(probe.instanceId)?.stateReason).toBe('its endpoint is not ready'));
  expect(registry.get(probe.instanceId)?.state).toBe('draining');
  expect(server.calls).toBe(1);
  probe.update({ address, state: 'ready' }, anything);
  await eventually(() => expect(registry.get(probe.instanceId)?.state).toBe('live'));
  expect(server.calls).toBe(2);
});

it('probes immediately when the declaration changed, and not when it is the same', async () => {
  const server = await InfoServer.start();
  const { parts } = probeParts({ interval: 60_000, retryDelay: 60_000 });
  const endpoint = { address: server.address, state: 'ready' } as const;
  const probe = start(parts, server.address);
  await probe.probed;
  probe.update(endpoint, anything);
  probe.update(endpoint, { plugin: 'MariaDB', apis: [] });
  await eventually(() => expect(probe.failure?.reason).toBe('PluginMismatch'));
  expect(server.calls).toBe(2);
});

it('probes immediately on request, unless the last probe failed', async () => {
  const server = await InfoServer.start();
  const { parts } = probeParts({ interval: 60_000, retryDelay: 60_000 });
  const probe = start(parts, server.address);
  await probe.probed;
  probe.probeNow();
  await eventually(() => expect(server.calls).toBe(2));
  await eventually(() => expect(parts.queue.active).toBe(0));
  server.info = { ...postgresql, version: 'latest' };
  probe.probeNow();
  await eventually(() => expect(parts.queue.failures(probe)).toBe(1));
  const due = parts.queue.dueAt(probe);
  probe.probeNow();
  expect(parts.queue.dueAt(probe)).toBe(due);
});

it('reports the instance that the process registered by its heartbeats, and registers no other', async () => {
  const server = await InfoServer.start();
  const { parts, registry } = probeParts();
  const beating = registry.register(registrationOf({ instanceId: 'process-1' }));
  const probe = start(parts, server.address);
  await probe.probed;
  expect(probe.selfRegistered).toBe(beating);
  expect(registry.size).toBe(1);
});

it('removes the instance of an endpoint that is gone, and ends', async () => {
  const server = await InfoServer.start();
  const { parts, registry } = probeParts();
  const probe = start(parts, server.address);
  await probe.probed;
  await eventually(() => expect(parts.queue.active).toBe(0));
  probe.remove('its endpoint is gone');
  await eventually(() => expect(registry.size).toBe(0));
  expect(parts.queue.dueAt(probe)).toBeUndefined();
});

it('registers nothing when it is stopped during a probe', async () => {
  const called = Promise.withResolvers<void>();
  const { address } = await InfoServer.startWith({
    getInfo: async () => {
      called.resolve();
      return new Promise(() => undefined);
    },
  });
  const { parts, registry } = probeParts();
  const probe = start(parts, address);
  await called.promise;
  probe.stop();
  await probe.probed;
  await parts.queue.whenIdle();
  expect(registry.size).toBe(0);
  expect(parts.queue.dueAt(probe)).toBeUndefined();
});
