// Imports internal modules, as the package doesn't export its parts.

import { Gate } from '../../packages/controller/src/heartbeat/gate.ts';
import { HeartbeatServer } from '../../packages/controller/src/heartbeat/heartbeat-server.ts';
import { AwakeClock } from '../../packages/controller/src/registry/clock.ts';
import { LeasePolicy } from '../../packages/controller/src/registry/lease-policy.ts';
import { PluginWatches } from '../../packages/controller/src/registry/plugin-watches.ts';
import { RegistrationReader } from '../../packages/controller/src/registry/read-registration.ts';
import { nameOfRefusal } from '../../packages/controller/src/registry/refusal.ts';
import { Registry } from '../../packages/controller/src/registry/registry.ts';
import { Reservations } from '../../packages/controller/src/registry/reservations.ts';
import { Metrics } from '../../packages/controller/src/telemetry/metrics.ts';
import { serveCommands, usage } from './commands.ts';

const metrics = new Metrics();
const registry = new Registry({ clock: new AwakeClock() });
let received = 0;
let refused = 0;

const server = new HeartbeatServer({
  registry,
  watches: new PluginWatches(registry),
  reader: new RegistrationReader(new LeasePolicy()),
  gate: new Gate({ security: 'loopback', reservations: new Reservations() }),
  admission: () => undefined,
  observer: {
    received(way) {
      received++;
      metrics.received(way);
    },
    refused({ reason }) {
      refused++;
      metrics.refused(nameOfRefusal(reason));
    },
  },
});

/** Heartbeat port of the controller with its registry, without the rest of the controller. */
const commands = {
  async listen(): Promise<number> {
    await server.listen('127.0.0.1:0');
    return Number(server.address.split(':')[1]);
  },

  /** Number of received heartbeats, and their cost. */
  received: () => ({ ...usage(), received, refused, instances: registry.size }),
};

export type HeardCommands = typeof commands;

serveCommands(commands);
