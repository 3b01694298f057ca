import { constants } from 'node:crypto';
import { lookup } from 'node:dns/promises';
import { once } from 'node:events';
import { type AddressInfo, createServer, isIP, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer, type TLSSocket } from 'node:tls';
import type { Logger } from 'pino';
import { limits } from '../limits.ts';
import { problemOfCaller } from './caller.ts';
import { PendingConnections } from './pending-connections.ts';
import type { Material, TlsMaterial } from './tls-material.ts';

/**
 * Listens with TLS 1.3, and passes on the connections of the operator's caller only; no byte of another client reaches gRPC. The servers
 * of grpc-js can't require a TLS version, read files again or check the name of a client.
 */
export class TlsListener {
  readonly #material: TlsMaterial;
  readonly #accept: (socket: TLSSocket) => void;
  readonly #log: Logger;
  readonly #tls = createTlsServer({
    requestCert: true,
    // The reason of a refusal is logged.
    rejectUnauthorized: false,
    ALPNProtocols: ['h2'],
    handshakeTimeout: limits.security.handshakeTimeout,
  });
  readonly #pending = new PendingConnections();
  readonly #servers: Server[] = [];
  #inUse: Material | undefined;
  #loggedAt = Number.NEGATIVE_INFINITY;
  #unlogged = 0;

  /** @param accept called with each connection of the operator. */
  constructor(material: TlsMaterial, accept: (socket: TLSSocket) => void, log: Logger) {
    this.#material = material;
    this.#accept = accept;
    this.#log = log;
    this.#tls.on('secureConnection', (socket) => this.#onSecure(socket));
    this.#tls.on('tlsClientError', (error, socket) => {
      // Neither a probe that connects and closes, nor a client that gave up, is worth a warning.
      const isGone = (error as NodeJS.ErrnoException).code === 'ECONNRESET';
      if (isGone) this.#log.debug(`TLS handshake with ${nameOf(socket)} ended: ${error.message}`);
      else this.#logRefusal(`TLS handshake with ${nameOf(socket)} failed: ${reasonOf(error)}`);
      socket.destroy();
    });
  }

  /** Listens on all addresses of a host, on one port. @param host empty for all interfaces. Resolves to the port. */
  async listen(host: string, port: number): Promise<number> {
    let bound = port;
    try {
      for (const address of await addressesOf(host)) bound = await this.#listenOn(address, bound);
    } catch (error) {
      this.close();
      throw error;
    }
    return bound;
  }

  /** Stops listening, and closes the connections of clients that are not authenticated. */
  close(): void {
    for (const server of this.#servers) server.close();
    this.#pending.closeAll();
  }

  async #listenOn(host: string | undefined, port: number): Promise<number> {
    const server = createServer((socket) => this.#onConnection(socket));
    server.listen({ port, ...(host && { host }) });
    await once(server, 'listening');
    this.#servers.push(server);
    return (server.address() as AddressInfo).port;
  }

  #onConnection(socket: Socket): void {
    socket.on('error', (error) => this.#log.debug(`connection of ${nameOf(socket)} broke: ${error.message}`));
    const material = this.#material.current();
    // The operator can't be told from others before its CA is known.
    if (!material) return void socket.destroy();
    if (material !== this.#inUse) this.#use(material);
    this.#pending.add(socket);
    this.#tls.emit('connection', socket);
  }

  /** Uses certificate and CA bundle for new connections. */
  #use(material: Material): void {
    const { ca, key, certificate } = material;
    this.#tls.setSecureContext({
      ca,
      key,
      cert: certificate,
      minVersion: 'TLSv1.3',
      // A resumed session would outlive the CA that its client was verified by.
      secureOptions: constants.SSL_OP_NO_TICKET,
    });
    this.#inUse = material;
  }

  #onSecure(socket: TLSSocket): void {
    this.#pending.remove(socket);
    const problem = problemOfCaller(socket);
    if (problem) {
      this.#logRefusal(`refused the client ${nameOf(socket)}: ${problem}; only the operator may call the plugin`);
      socket.destroy();
    } else this.#accept(socket);
  }

  /** Logs a refusal, unless one was logged a short time ago. */
  #logRefusal(message: string): void {
    const now = performance.now();
    if (now - this.#loggedAt < limits.security.refusalLogInterval) {
      this.#unlogged++;
      return;
    }
    this.#log.warn(this.#unlogged > 0 ? `${message} (and ${this.#unlogged} more before)` : message);
    this.#loggedAt = now;
    this.#unlogged = 0;
  }
}

/** Returns the addresses to listen on; `undefined` for all interfaces, of IPv4 too where there is no IPv6. */
async function addressesOf(host: string): Promise<(string | undefined)[]> {
  if (host === '' || host === '::') return [undefined];
  if (isIP(host)) return [host];
  return (await lookup(host, { all: true })).map(({ address }) => address);
}

/** Returns the reason in an error of OpenSSL: `error:0A00010B:SSL routines:tls_validate_record_header:wrong version number:FILE:LINE:`. */
function reasonOf(error: Error): string {
  const reason = /error:[0-9A-F]+:[^:]*:[^:]*:([^:]+):/.exec(error.message)?.[1] ?? error.message;
  return /wrong version number|http request/.test(reason) ? `${reason}; it does not speak TLS` : reason;
}

function nameOf({ remoteAddress, remotePort }: Socket): string {
  return remoteAddress ? `${remoteAddress} port ${remotePort}` : 'a client';
}
