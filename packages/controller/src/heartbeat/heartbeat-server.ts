// heartbeat/: the port to which plugins send heartbeats; v0/ has the protocol of the first Kplug.
import * as grpc from '@grpc/grpc-js';
import { addReflection, addService, quietGrpc, RegistryService, v0 } from '@kplug/protocol';
import { HealthImplementation, service as healthService } from 'grpc-health-check';
import { MiB } from '../limits/limit.ts';
import { limits } from '../limits/limits.ts';
import { formatAddress } from '../registry/address.ts';
import { PluginWatches } from '../registry/plugin-watches.ts';
import type { RegistrationReader } from '../registry/read-registration.ts';
import type { Registry } from '../registry/registry.ts';
import { Reservations } from '../registry/reservations.ts';
import { listenFailed, parseListenAddress } from '../settings/listen-address.ts';
import { type HeartbeatObserver, registryService } from './registry-service.ts';
import { v0Service } from './v0/registry-service.ts';

/** grpc-js has no defaults for most of these. */
const serverOptions: grpc.ServerOptions = {
  'grpc.max_receive_message_length': limits.heartbeat.maxMessageSize,
  'grpc.max_concurrent_streams': limits.heartbeat.maxStreams,
  'grpc-node.max_session_memory': limits.heartbeat.maxSessionMemory / MiB,
  'grpc.max_connection_age_ms': limits.heartbeat.maxConnectionAge,
  'grpc.max_connection_age_grace_ms': limits.heartbeat.connectionGracePeriod,
  // Detects sessions whose peer is gone without closing the connection.
  'grpc.keepalive_time_ms': limits.heartbeat.keepaliveInterval,
  'grpc.keepalive_timeout_ms': limits.heartbeat.keepaliveTimeout,
  // Its per-call statistics are never read.
  'grpc.enable_channelz': 0,
};

/** Server of the heartbeat port, for `kplug.v1` and v0. */
export class HeartbeatServer {
  readonly #server: grpc.Server;
  readonly #health = new HealthImplementation({ '': 'SERVING', [RegistryService.typeName]: 'SERVING' });
  #address = '';
  #bound = '';

  constructor(
    registry: Registry,
    reader: RegistrationReader,
    observer: HeartbeatObserver,
    reservations = new Reservations(),
    watches = new PluginWatches(registry),
  ) {
    quietGrpc();
    this.#server = new grpc.Server(serverOptions);
    addService(this.#server, RegistryService, registryService(registry, reader, observer, reservations, watches));
    addService(this.#server, v0.Controller, v0Service(registry, reader, observer));
    this.#health.addToServer(this.#server);
    addReflection(this.#server, [RegistryService, v0.Controller], [healthService]);
  }

  /** Address of the port, once it listens. */
  get address(): string {
    return this.#address;
  }

  /** Starts to listen. Rejects with `PortInUse`. */
  async listen(bindAddress: string): Promise<void> {
    const { host, port } = parseListenAddress(bindAddress, 'heartbeatAddress');
    const target = formatAddress({ host: host || '::', port });
    try {
      const bound = await this.#bind(target);
      this.#address = formatAddress({ host: host || 'localhost', port: bound });
      this.#bound = formatAddress({ host: host || '::', port: bound });
    } catch (cause) {
      throw listenFailed('heartbeatAddress', bindAddress, cause);
    }
  }

  /** Ends all sessions immediately, so that plugins look for another controller. */
  close(): void {
    // Without channelz, `forceShutdown` alone leaves them open (grpc-js 1.14).
    if (this.#bound) this.#server.drain(this.#bound, 0);
    this.#server.forceShutdown();
  }

  #bind(target: string): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#server.bindAsync(target, grpc.ServerCredentials.createInsecure(), (error, port) => {
        if (error) reject(error);
        else resolve(port);
      });
    });
  }
}
