// Imports internal modules, as the package doesn't export its parts.

import { pino } from 'pino';
import { CompositeAuthenticator } from '../../packages/controller/src/authentication/composite-authenticator.ts';
import { TokenReviewAuthenticator } from '../../packages/controller/src/authentication/token-review-authenticator.ts';
import { Gate } from '../../packages/controller/src/heartbeat/gate.ts';
import { HeartbeatServer } from '../../packages/controller/src/heartbeat/heartbeat-server.ts';
import { AwakeClock } from '../../packages/controller/src/registry/clock.ts';
import { LeasePolicy } from '../../packages/controller/src/registry/lease-policy.ts';
import { PluginWatches } from '../../packages/controller/src/registry/plugin-watches.ts';
import { RegistrationReader } from '../../packages/controller/src/registry/read-registration.ts';
import { nameOfRefusal, type RefusedRegistration } from '../../packages/controller/src/registry/refusal.ts';
import { Registry } from '../../packages/controller/src/registry/registry.ts';
import { Reservations } from '../../packages/controller/src/registry/reservations.ts';
import { Metrics } from '../../packages/controller/src/telemetry/metrics.ts';
import { serveCommands, usage } from './commands.ts';
import { podNetwork, reviewOf } from './plugin-identities.ts';
import type { ServerTls } from './server-tls.ts';

const metrics = new Metrics();
const registry = new Registry({ clock: new AwakeClock() });
let received = 0;
let refused = 0;

/** Gate of a port that is open to other machines, on a cluster whose API server accepts all tokens immediately. */
function securedGate(): Gate {
  const serviceAccounts = new TokenReviewAuthenticator({
    reviewer: { review: async (token) => reviewOf(token) },
    logger: pino({ level: 'silent' }),
  });
  const authenticator = new CompositeAuthenticator({ serviceAccounts }, metrics);
  return new Gate({ security: 'secured', reservations: new Reservations(), authenticator });
}

function makeServer(tls: ServerTls | undefined): HeartbeatServer {
  const parts = {
    registry,
    watches: new PluginWatches(registry),
    // Long enough for the time in which other servers are measured.
    reader: new RegistrationReader(new LeasePolicy({ ttl: 600_000 })),
    gate: tls ? securedGate() : new Gate({ security: 'loopback', reservations: new Reservations() }),
    admission: () => undefined,
    podNetwork,
    observer: {
      received(way: 'session' | 'unary' | 'first-kplug') {
        received++;
        metrics.received(way);
      },
      refused({ reason }: RefusedRegistration) {
        refused++;
        metrics.refused(nameOfRefusal(reason));
      },
    },
  };
  if (!tls) return new HeartbeatServer(parts);
  return new HeartbeatServer(parts, {
    security: { mode: 'tls', tls: { current: () => tls, subscribe: () => () => undefined } },
  });
}

/** Heartbeat port of the controller with its registry, without the rest of the controller. */
const commands = {
  /** Listens, by TLS and for ServiceAccount tokens if there is a certificate. Returns the port. */
  async listen({ tls }: { tls?: ServerTls | undefined }): Promise<number> {
    const server = makeServer(tls);
    await server.listen('127.0.0.1:0');
    return Number(server.address.split(':')[1]);
  },

  /** Number of received heartbeats, and their cost. */
  received: () => ({ ...usage(), received, refused, instances: registry.size }),
};

export type HeardCommands = typeof commands;

serveCommands(commands);
