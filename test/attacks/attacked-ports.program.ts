// Heartbeat port and admin port in a process of their own, with TLS and plain text, and their registry.
import { readdirSync } from 'node:fs';
import { RegistryService } from '@kplug/protocol';
import { AdminServer } from '../../packages/controller/src/admin/admin-server.ts';
import { Gate } from '../../packages/controller/src/heartbeat/gate.ts';
import { HeartbeatServer } from '../../packages/controller/src/heartbeat/heartbeat-server.ts';
import { limits } from '../../packages/controller/src/limits/limits.ts';
import { AwakeClock } from '../../packages/controller/src/registry/clock.ts';
import { LeasePolicy } from '../../packages/controller/src/registry/lease-policy.ts';
import { PluginList } from '../../packages/controller/src/registry/plugin-list.ts';
import { PluginWatches } from '../../packages/controller/src/registry/plugin-watches.ts';
import { RegistrationReader } from '../../packages/controller/src/registry/read-registration.ts';
import { Registry } from '../../packages/controller/src/registry/registry.ts';
import { Reservations } from '../../packages/controller/src/registry/reservations.ts';
import { longestBlock, unitOfWork } from '../scale/loop-meter.fixture.ts';
import type { AttackedOptions } from './attacked-ports.fixture.ts';
import { testCertificate } from './test-certificate.fixture.ts';

const [, , argument = '{}'] = process.argv;
const { shorter = {} }: AttackedOptions = JSON.parse(argument);
for (const [group, values] of Object.entries(shorter)) Object.assign(limits[group as keyof typeof limits], values);

const registry = new Registry({ clock: new AwakeClock() });
const losses: string[] = [];
registry.subscribe(({ instance: { registration, state } }) => {
  const isLost = registration.plugin === 'Honest' && state !== 'live';
  if (isLost) losses.push(`${registration.instanceId} is ${state}`);
});

const security = { mode: 'either', tls: { current: () => testCertificate, subscribe: () => () => {} } } as const;
const reader = new RegistrationReader(new LeasePolicy({ interval: 1_000, ttl: 5_000 }));
const observer = { received: () => {}, refused: () => {} };
const plugins = new PluginList(registry);
const watches = new PluginWatches(registry);
const heartbeats = new HeartbeatServer(
  {
    registry,
    watches,
    reader,
    observer,
    gate: new Gate({ security: 'loopback', reservations: new Reservations() }),
    admission: () => undefined,
  },
  { security },
);
const admin = new AdminServer(
  {
    notReady: () => [],
    metrics: async () => ({ contentType: 'text/plain', text: 'x 1\n'.repeat(20_000) }),
    routes: (router) =>
      router.service(RegistryService, {
        listPlugins: async (request) => (await plugins.read(request)) ?? {},
        watchPlugins: (request, context) => watches.open(request, { peer: '', signal: context.signal }),
      }),
  },
  { security },
);
await heartbeats.listen('127.0.0.1:0');
await admin.listen('127.0.0.1:0', 'adminAddress');

let endMeasuring = Promise.withResolvers<void>();
const measure = () => {
  endMeasuring = Promise.withResolvers();
  const { promise } = endMeasuring;
  return longestBlock(() => promise);
};
let measuring = measure();

async function state() {
  endMeasuring.resolve();
  const block = (await measuring) / unitOfWork();
  globalThis.gc?.();
  const found = {
    block,
    memory: process.memoryUsage().rss / 2 ** 20,
    descriptors: readdirSync('/proc/self/fd').length,
    connections: heartbeats.connectionCount,
    losses,
  };
  measuring = measure();
  return found;
}

process.on('disconnect', () => process.exit());
process.on('message', async () => process.send?.(await state()));
process.send?.({ heartbeat: heartbeats.address, admin: admin.address });
