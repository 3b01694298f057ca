// heartbeat/: the port to which plugins send heartbeats; v0/ has the protocol of the first Kplug.
import type { EventEmitter } from 'node:events';
import * as grpc from '@grpc/grpc-js';
import { AttachmentService, addReflection, addService, quietGrpc, RegistryService, v0 } from '@kplug/protocol';
import { HealthImplementation, service as healthService } from 'grpc-health-check';
import { MiB } from '../limits/limit.ts';
import { limits, limitTable } from '../limits/limits.ts';
import { readLimit } from '../limits/read-limit.ts';
import type { ConnectionSecurity } from '../ports/connection.ts';
import { type ConnectionHandler, GuardedListener, type PortSecurity } from '../ports/guarded-listener.ts';
import { Http2Guard } from '../ports/http2-guard.ts';
import { OpenConnections } from '../ports/open-connections.ts';
import type { RefusalReporter } from '../ports/refused-connections.ts';
import { formatAddress } from '../registry/address.ts';
import { listenFailed, parseListenAddress } from '../settings/listen-address.ts';
import { attachmentService } from './attachment-service.ts';
import type { HeartbeatSecurity } from './gate.ts';
import { type GrpcInjector, injectorOf } from './grpc-injector.ts';
import { OpenStreams } from './open-streams.ts';
import { refuseCompression } from './refuse-compression.ts';
import { type PeerCall, type RegistryServiceParts, registryService } from './registry-service.ts';
import { v0Service } from './v0/registry-service.ts';
import type { V0Sources } from './v0/v0-sources.ts';

const { maxRequestFields } = limits.heartbeat;

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

/** Bounds of the connections to the heartbeat port. */
export interface HeartbeatConnectionOptions {
  /** Maximum number of connections. Default 16,384, and at most 37 % of the file descriptors of the process. */
  max?: number;
  /** Maximum number from one address, or one IPv6 /64 network, other than this machine. Default 1,024. */
  maxPerPeer?: number;
}

/** Options of the heartbeat port. */
export interface HeartbeatServerOptions {
  /** Encryption. Default: plain text. */
  security?: PortSecurity;
  connections?: HeartbeatConnectionOptions;
  /** Opens a second port, in plain text, on a free port of 127.0.0.1, whose connections are marked as private. Default false. */
  hasPrivatePort?: boolean;
  /** Receives refused connections. */
  reporter?: RefusalReporter;
}

/** Parts that the heartbeat port serves. */
export type HeartbeatParts = Omit<RegistryServiceParts, 'connectionOf' | 'opened' | 'accepted'> & {
  /** Sources whose v0 plugins are accepted. Default: all. */
  v0Sources?: V0Sources | undefined;
  /** Called with the key of an attachment whose tunnel opened or ended. */
  onTunnel?: ((key: string) => void) | undefined;
  security?: HeartbeatSecurity;
};

/** Security of a call whose connection is already closed. */
const closed: ConnectionSecurity = { encrypted: false, isPrivate: false, peer: '', isSameMachine: false };

/** Server of the heartbeat port, for `kplug.v1` and v0. */
export class HeartbeatServer {
  readonly #server: grpc.Server;
  readonly #injector: GrpcInjector;
  readonly #health = new HealthImplementation({ '': 'SERVING', [RegistryService.typeName]: 'SERVING' });
  readonly #connections = new OpenConnections();
  readonly #streams = new OpenStreams();
  readonly #listener: GuardedListener;
  readonly #privateListener: GuardedListener | undefined;
  #address = '';
  #privateAddress = '';

  /** Throws `InvalidConfiguration`. */
  constructor(
    parts: HeartbeatParts,
    { security = { mode: 'plain' }, connections = {}, hasPrivatePort = false, reporter }: HeartbeatServerOptions = {},
  ) {
    quietGrpc();
    this.#server = new grpc.Server(serverOptions);
    const served = {
      ...parts,
      connectionOf: (call: PeerCall) => this.#find(call) ?? closed,
      opened: (stream: EventEmitter) => this.#streams.add(stream),
      accepted: (call: PeerCall) => this.#find(call)?.trust(),
    };
    addService(this.#server, RegistryService, registryService(served), { maxRequestFields });
    addService(this.#server, v0.Controller, v0Service(served), { maxRequestFields });
    const { attachments, onTunnel = () => undefined, security: mode = 'loopback' } = parts;
    if (attachments) {
      const attaching = { ...served, attachments, onTunnel, security: mode };
      addService(this.#server, AttachmentService, attachmentService(attaching), { maxRequestFields });
    }
    this.#health.addToServer(this.#server);
    addReflection(this.#server, [RegistryService, v0.Controller], [healthService]);

    this.#injector = injectorOf(this.#server);
    const { http2Server, inject } = this.#injector;
    const guard = new Http2Guard(http2Server, inject, {
      ...limits.heartbeat,
      connections: this.#connections,
      answer: refuseCompression,
    });
    const options = {
      ...limits.heartbeat,
      maxConnections: readLimit(limitTable.heartbeat.maxConnections, connections.max),
      maxConnectionsPerPeer: readLimit(limitTable.heartbeat.maxConnectionsPerPeer, connections.maxPerPeer),
      versions: ['h2'] as const,
      name: 'heartbeat' as const,
      reporter,
    };
    const accept: ConnectionHandler = (connection, socket) => guard.accept(connection, socket);
    this.#listener = new GuardedListener({ ...options, security }, accept);
    if (!hasPrivatePort) return;
    const privateOptions = { ...options, security: { mode: 'plain' as const }, isPrivate: true };
    this.#privateListener = new GuardedListener(privateOptions, accept);
  }

  /** Address of the port, once it listens. */
  get address(): string {
    return this.#address;
  }

  /** Address of the private port, once it listens; empty without one. */
  get privateAddress(): string {
    return this.#privateAddress;
  }

  /** Number of open connections. */
  get connectionCount(): number {
    return this.#listener.size + (this.#privateListener?.size ?? 0);
  }

  /** Starts to listen. Rejects with `PortInUse`. */
  async listen(bindAddress: string): Promise<void> {
    const { host, port } = parseListenAddress(bindAddress, 'heartbeatAddress');
    try {
      const bound = await this.#listener.listen(host, port);
      this.#address = formatAddress({ host: host || 'localhost', port: bound });
    } catch (cause) {
      throw listenFailed('heartbeatAddress', bindAddress, cause);
    }
    if (!this.#privateListener) return;
    const host4 = '127.0.0.1';
    this.#privateAddress = formatAddress({ host: host4, port: await this.#privateListener.listen(host4, 0) });
  }

  /** Ends all sessions, so that plugins look for another controller. */
  async close(): Promise<void> {
    for (const listener of [this.#listener, this.#privateListener]) void listener?.stopListening();
    await this.#streams.end();
    this.#injector.close();
    // The last frames are sent first.
    setImmediate(() => {
      for (const listener of [this.#listener, this.#privateListener]) void listener?.close();
    });
  }

  #find({ metadata }: PeerCall) {
    return this.#connections.find((name) => metadata.get(name)[0]);
  }
}
