// ports/: the guarded listener of all ports: limits of connections, TLS, floods of HTTP/2 frames.
import type { X509Certificate } from 'node:crypto';
import type net from 'node:net';
import tls from 'node:tls';
import { limits } from '../limits/limits.ts';
import { Connection } from './connection.ts';
import { ConnectionTable } from './connection-table.ts';
import { withinDescriptors } from './descriptors.ts';
import { listenOn } from './listen-on.ts';
import type { RefusalReason } from './refusal-reason.ts';
import { type PortName, type RefusalReporter, RefusedConnections } from './refused-connections.ts';
import { type FirstProtocol, sniff } from './sniff.ts';
import type { TlsMaterial } from './tls-material.ts';
import { Turns } from './turns.ts';
import { type HttpVersion, plainTextRefusal } from './wrong-protocol.ts';

/** Encryption of a port. `either`: TLS and plain text, told apart by the first byte. */
export type PortMode = 'plain' | 'tls' | 'either';

/** Security of a port. */
export interface PortSecurity {
  mode: PortMode;
  /** Key and certificate. Required unless the mode is `plain`. */
  tls?: TlsMaterial;
}

/** Limits of the connections of a port. */
export interface ConnectionLimits {
  maxConnections: number;
  maxConnectionsPerPeer: number;
  /** Share of the process's file descriptors that connections may take, in percent. */
  descriptorShare: number;
  /** Time from the connection to its first request. */
  handshakeTimeout: number;
  /** Time without an open request. */
  idleTimeout: number;
}

/** Options of a listener. */
export interface ListenerOptions extends ConnectionLimits {
  security: PortSecurity;
  /** HTTP versions that are served, the preferred one first. */
  versions: readonly HttpVersion[];
  isPrivate?: boolean;
  /** Name of the port. */
  name: PortName;
  /** Receives refused connections. Default: they are neither logged nor counted. */
  reporter?: RefusalReporter | undefined;
}

/** Receives a connection after its handshake: the socket is plain or a `TLSSocket`, is paused, and may hold its first bytes. */
export type ConnectionHandler = (connection: Connection, socket: net.Socket, version: HttpVersion) => void;

/** Listener of a port: accepts connections within its limits, ends the TLS handshake, and closes connections that stay silent. */
export class GuardedListener {
  readonly #options: ListenerOptions;
  readonly #onConnection: ConnectionHandler;
  readonly #table: ConnectionTable;
  readonly #refused: RefusedConnections;
  readonly #starts = new Turns(limits.ports.startsPerTurn);
  /** Connections in their TLS handshake, by the addresses and ports of both ends. */
  readonly #inHandshake = new Map<string, Connection>();
  #servers: readonly net.Server[] = [];
  #tls: tls.Server | undefined;
  #sweep: NodeJS.Timeout | undefined;
  #unsubscribe = () => {};
  #isClosed = false;

  constructor(options: ListenerOptions, onConnection: ConnectionHandler) {
    this.#options = options;
    this.#onConnection = onConnection;
    this.#refused = new RefusedConnections(options.name, options.reporter);
    this.#table = new ConnectionTable({
      maxConnections: withinDescriptors(options.maxConnections, options.descriptorShare),
      maxConnectionsPerPeer: withinDescriptors(options.maxConnectionsPerPeer, options.descriptorShare / 2),
    });
  }

  /** Number of open connections. */
  get size(): number {
    return this.#table.size;
  }

  /** Starts to listen, and returns the port. `listenOn` describes hosts and errors. */
  async listen(host: string, port: number): Promise<number> {
    const { security } = this.#options;
    if (security.mode !== 'plain') this.#openTls(security.tls);
    const { servers, port: bound } = await listenOn(host, port, (socket) => this.#accept(socket));
    this.#servers = servers;
    this.#sweep = setInterval(() => this.#closeOverdue(), limits.ports.sweepInterval).unref();
    return bound;
  }

  /** Stops to accept connections. Open ones stay. */
  stopListening(): Promise<void> {
    this.#isClosed = true;
    const closing = this.#servers.map((server) => new Promise<void>((resolve) => void server.close(() => resolve())));
    this.#servers = [];
    this.#unsubscribe();
    return Promise.all(closing).then(() => undefined);
  }

  /** Closes all connections, and stops to listen. */
  async close(): Promise<void> {
    const closing = this.stopListening();
    clearInterval(this.#sweep);
    for (const connection of [...this.#table]) connection.destroy();
    this.#refused.close();
    await closing;
  }

  #openTls(material: TlsMaterial | undefined): void {
    if (!material) throw new TypeError('a port with TLS needs a key and a certificate');
    const { handshakeTimeout, versions } = this.#options;
    const context = () => ({ ...material.current(), minVersion: 'TLSv1.3' as const });
    const server = tls.createServer({
      ...context(),
      ALPNProtocols: [...versions],
      requestCert: true,
      // The handlers decide about the certificate.
      rejectUnauthorized: false,
      handshakeTimeout,
    });
    server.on('secureConnection', (socket) => this.#onSecure(socket));
    server.on('tlsClientError', (error, socket) => this.#onTlsError(error, socket));
    this.#tls = server;
    this.#unsubscribe = material.subscribe(() => server.setSecureContext(context()));
  }

  #accept(socket: net.Socket): void {
    // A connection that is reset before it is accepted has no addresses.
    if (this.#isClosed || socket.remoteAddress === undefined) return void socket.destroy();
    const { isPrivate = false } = this.#options;
    const connection = new Connection(
      socket,
      isPrivate,
      (one, stage) => this.#table.move(one, stage),
      ({ peer }, reason) => this.#isClosed || this.#refused.add(reason, peer),
    );
    if (!this.#table.add(connection)) return;
    socket.on('close', () => this.#table.remove(connection));
    // A broken connection closes; there is no one to report the error to.
    socket.on('error', () => socket.destroy());
    sniff(
      socket,
      () => connection.heard(),
      (protocol) => this.#starts.run(() => this.#start(connection, protocol)),
    );
  }

  #start(connection: Connection, protocol: FirstProtocol): void {
    const { versions, security } = this.#options;
    const { socket } = connection;
    if (socket.destroyed) return;
    if (protocol === 'tls') {
      if (security.mode === 'plain') connection.refuse('wrong-protocol');
      else this.#startHandshake(connection);
      return;
    }
    const version = protocol === 'http2' ? 'h2' : 'http/1.1';
    if (security.mode === 'tls') {
      connection.reportRefusal('plain-text');
      socket.end(plainTextRefusal(version)).resume();
    } else if (versions.includes(version)) this.#onConnection(connection, socket, version);
    else connection.refuse('wrong-protocol');
  }

  #startHandshake(connection: Connection): void {
    const { socket } = connection;
    const key = endsOf(socket);
    this.#inHandshake.set(key, connection);
    socket.once('close', () => {
      if (this.#inHandshake.get(key) === connection) this.#inHandshake.delete(key);
    });
    this.#tls?.emit('connection', socket);
  }

  #onSecure(socket: tls.TLSSocket): void {
    const key = endsOf(socket);
    const connection = this.#inHandshake.get(key);
    this.#inHandshake.delete(key);
    if (!connection) return void socket.destroy();
    socket.on('error', () => socket.destroy());
    connection.encrypted = true;
    const certificate = socket.getPeerX509Certificate();
    if (certificate) {
      connection.certificate = certificate.raw;
      connection.intermediates = intermediatesOf(certificate);
    }
    const version = this.#options.versions.find((one) => one === socket.alpnProtocol) ?? this.#options.versions.at(-1);
    // A client of HTTP/1 may do without ALPN; one of HTTP/2 may not.
    if (version === undefined || (version === 'h2' && socket.alpnProtocol !== 'h2'))
      connection.refuse('wrong-protocol');
    else this.#onConnection(connection, socket, version);
  }

  #closeOverdue(): void {
    const now = performance.now();
    for (const connection of [...this.#table]) {
      const reason = this.#overdueReason(connection, now);
      if (reason) connection.refuse(reason);
      else connection.inspect?.(now);
    }
  }

  #overdueReason({ stage, since, createdAt, openRequests }: Connection, now: number): RefusalReason | undefined {
    const { handshakeTimeout, idleTimeout } = this.#options;
    if (stage === 'silent' || stage === 'opening')
      return now - createdAt > handshakeTimeout ? 'handshake-timeout' : undefined;
    return openRequests === 0 && now - since > idleTimeout ? 'idle' : undefined;
  }

  #onTlsError(error: Error, socket: tls.TLSSocket): void {
    const { code } = error as NodeJS.ErrnoException;
    const connection = this.#inHandshake.get(endsOf(socket));
    // A probe that connects and closes, or a client that gave up, is no failure.
    if (code !== 'ECONNRESET')
      connection?.reportRefusal(code === 'ERR_TLS_HANDSHAKE_TIMEOUT' ? 'handshake-timeout' : 'tls-failed');
    socket.destroy();
  }
}

/** Returns the certificates that a peer sent with its own. */
function intermediatesOf(certificate: X509Certificate): Buffer[] {
  const chain: Buffer[] = [];
  let issuer = certificate.issuerCertificate;
  while (issuer && chain.length < limits.ports.maxIntermediates) {
    chain.push(issuer.raw);
    issuer = issuer.issuerCertificate;
  }
  return chain;
}

/** Returns the addresses and ports of both ends of a connection, which no two open connections have in common. */
function endsOf({ remoteAddress, remotePort, localAddress, localPort }: net.Socket): string {
  return `${remoteAddress} ${remotePort} ${localAddress} ${localPort}`;
}
