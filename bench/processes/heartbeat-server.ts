// The parts are used by themselves, which the package doesn't export: only the whole is its public API.

import { HeartbeatServer } from '../../packages/controller/src/heartbeat/heartbeat-server.ts';
import { AwakeClock } from '../../packages/controller/src/registry/clock.ts';
import { LeasePolicy } from '../../packages/controller/src/registry/lease-policy.ts';
import { RegistrationReader } from '../../packages/controller/src/registry/read-registration.ts';
import { Registry } from '../../packages/controller/src/registry/registry.ts';
import { Metrics } from '../../packages/controller/src/telemetry/metrics.ts';
import { serveCommands, usage } from './commands.ts';

const metrics = new Metrics();
const registry = new Registry({ clock: new AwakeClock() });
let heard = 0;
let refused = 0;

const server = new HeartbeatServer(registry, new RegistrationReader(new LeasePolicy()), {
  received(way) {
    heard++;
    metrics.received(way);
  },
  refused(reason) {
    refused++;
    metrics.refused(reason);
  },
});

/** The controller's heartbeat port with its registry, and nothing else of it. */
const commands = {
  async listen(): Promise<number> {
    await server.listen('127.0.0.1:0');
    return Number(server.address.split(':')[1]);
  },

  /** How many heartbeats were heard so far, at what cost. */
  heard: () => ({ ...usage(), heard, refused, instances: registry.size }),
};

export type HeardCommands = typeof commands;

serveCommands(commands);
