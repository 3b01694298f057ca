import { expect, it, vi } from 'vitest';
import type { DeclaredEndpoint, PluginDeclaration } from '../resources/services/plugin-declarations.ts';
import { PluginProbe } from './plugin-probe.ts';
import type { ProbeParts } from './probe.ts';
import { eventually, InfoServer, postgresql, probeParts } from './testing.ts';

type Report = Parameters<ConstructorParameters<typeof PluginProbe>[2]>[0];

function declare(addresses: readonly string[], given: Partial<PluginDeclaration> = {}): PluginDeclaration {
  return {
    record: { namespace: 'default', name: 'postgresql' },
    source: 'address',
    expected: { apis: [] },
    endpoints: addresses.map((address): DeclaredEndpoint => ({ address, state: 'ready' })),
    ...given,
  };
}

function start(parts: ProbeParts, declaration: PluginDeclaration) {
  const reports: Report[] = [];
  const probe = new PluginProbe(declaration, parts, (report) => reports.push(report));
  return { probe, reports };
}

const second = { ...postgresql, instanceId: 'process-2' };

it('registers an instance for each endpoint, and reports changes only', async () => {
  const servers = await Promise.all([InfoServer.start(), InfoServer.start(second)]);
  const { parts, registry } = probeParts();
  const { probe, reports } = start(parts, declare(servers.map(({ address }) => address)));
  await probe.probed();
  await eventually(() => expect(servers[0]?.calls).toBeGreaterThan(2));
  expect([...registry.instances()].map(({ registration }) => registration.address).sort()).toEqual(
    servers.map(({ address }) => address).sort(),
  );
  expect(reports.map(({ problem }) => problem?.reason)).toEqual(['Asking', undefined]);
});

it('removes the instance of an endpoint that is no longer declared', async () => {
  const servers = await Promise.all([InfoServer.start(), InfoServer.start(second)]);
  const { parts, registry } = probeParts();
  const [first = '', other = ''] = servers.map(({ address }) => address);
  const { probe } = start(parts, declare([first, other]));
  await probe.probed();
  const reasons: string[] = [];
  registry.subscribe(({ instance }) => instance.state === 'gone' && reasons.push(instance.stateReason));
  probe.update(declare([other]));
  await eventually(() => expect(reasons).toEqual(['it is no longer declared']));
  expect(registry.size).toBe(1);
});

it('resolves names, and registers a process with several addresses once', async () => {
  const server = await InfoServer.start();
  const { parts, registry } = probeParts();
  const port = server.address.split(':')[1];
  const { probe, reports } = start(parts, declare([`localhost:${port}`]));
  await probe.probed();
  await eventually(() => expect(registry.size).toBe(1));
  expect([...registry.instances()][0]?.registration.address).toBe(server.address);
  expect(reports[0]?.problem?.reason).toBe('Asking');
});

it('resolves names again at each interval', async () => {
  const { parts } = probeParts();
  const { probe } = start(parts, declare(['localhost:1']));
  const again = vi.spyOn(parts.queue, 'addAfter');
  await eventually(() => expect(again.mock.calls.filter(([key]) => key === probe).length).toBeGreaterThan(2));
});

it('reports a name that cannot be resolved', async () => {
  const { parts } = probeParts();
  const { reports } = start(parts, declare(['nowhere.invalid:7000']));
  await eventually(() => expect(reports.at(-1)?.problem?.reason).toBe('AddressNotResolved'));
});

it('reports the first failure and the number of further ones', async () => {
  const servers = await Promise.all([
    InfoServer.start({ ...postgresql, version: 'latest' }),
    InfoServer.start({ ...second, version: 'latest' }),
  ]);
  const { parts } = probeParts();
  const { reports } = start(parts, declare(servers.map(({ address }) => address)));
  await eventually(() => expect(reports.at(-1)?.problem?.message).toMatch(/is malformed.* \(and 1 more\)$/));
  expect(reports.at(-1)?.problem?.reason).toBe('GetInfoMalformed');
});

it('reports the problem of the declaration itself first', async () => {
  const { parts } = probeParts();
  const problem = { reason: 'ServiceNotFound', message: 'the Service is missing' };
  const { probe, reports } = start(parts, declare([], { source: 'service', problem, generation: 7 }));
  await probe.probed();
  expect(reports).toEqual([
    { record: { namespace: 'default', name: 'postgresql' }, source: 'service', generation: 7, problem },
  ]);
});

it('reports that a plugin sends heartbeats and needs no declaration', async () => {
  const server = await InfoServer.start();
  const { parts, registry } = probeParts();
  const { probe, reports } = start(parts, declare([server.address]));
  await probe.probed();
  const [found] = registry.instances();
  if (!found) throw new Error('no instance');
  const { declaration: _, ...registration } = { ...found.registration, instanceId: 'process-1' };
  registry.register(registration);
  await eventually(() =>
    expect(reports.at(-1)?.problem).toEqual({
      reason: 'BeatsByItself',
      message:
        'PostgreSQL 1.2.0 sends heartbeats as the instance process-1 and needs no declaration; see the Plugin of that name',
    }),
  );
});

it('removes its instances with the declaration, and ends', async () => {
  const server = await InfoServer.start();
  const { parts, registry } = probeParts();
  const { probe, reports } = start(parts, declare([server.address]));
  await probe.probed();
  const count = reports.length;
  probe.remove('its declaration was deleted');
  probe.update(declare([server.address]));
  await parts.queue.whenIdle();
  expect(registry.size).toBe(0);
  expect(reports).toHaveLength(count);
});
