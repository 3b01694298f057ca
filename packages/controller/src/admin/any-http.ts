import http from 'node:http';
import http2 from 'node:http2';
import { MiB } from '../limits/limit.ts';
import { limits } from '../limits/limits.ts';
import type { ConnectionSecurity } from '../ports/connection.ts';
import { GuardedListener, type PortSecurity } from '../ports/guarded-listener.ts';
import { Http1Guard } from '../ports/http1-guard.ts';
import { Http2Guard, http2Options } from '../ports/http2-guard.ts';
import { OpenConnections } from '../ports/open-connections.ts';
import type { PortName, RefusalReporter } from '../ports/refused-connections.ts';

/** Request and response of either HTTP version. */
export type AnyRequest = http.IncomingMessage | http2.Http2ServerRequest;
export type AnyResponse = http.ServerResponse | http2.Http2ServerResponse;

/** Options of a server. */
export interface AnyHttpOptions {
  /** Encryption. Default: plain text. */
  security?: PortSecurity;
  /** Maximum number of connections. Default 256. */
  maxConnections?: number;
  /** Name of the port. Default: the admin port. */
  name?: PortName;
  /** Receives refused connections. */
  reporter?: RefusalReporter | undefined;
}

/** Server of HTTP/1.1 (browsers, curl, probes) and HTTP/2 (gRPC) on one port. */
export class AnyHttpServer {
  readonly #connections = new OpenConnections();
  readonly #http1: http.Server;
  readonly #listener: GuardedListener;

  constructor(
    handler: (request: AnyRequest, response: AnyResponse) => void,
    {
      security = { mode: 'plain' },
      maxConnections = limits.admin.maxConnections,
      name = 'admin',
      reporter,
    }: AnyHttpOptions = {},
  ) {
    const { maxSessionMemory, maxStreams, maxHeaderSize } = limits.admin;
    this.#http1 = http.createServer(
      { maxHeaderSize, connectionsCheckingInterval: limits.ports.sweepInterval },
      handler,
    );
    const server = http2.createServer(
      {
        ...http2Options,
        maxSessionMemory: maxSessionMemory / MiB,
        settings: { maxConcurrentStreams: maxStreams },
      },
      handler,
    );
    const connections = this.#connections;
    const http1Guard = new Http1Guard(this.#http1, connections, limits.admin);
    const inject = (socket: unknown) => void server.emit('connection', socket);
    const http2Guard = new Http2Guard(server, inject, { ...limits.admin, connections });
    this.#listener = new GuardedListener(
      { ...limits.admin, maxConnections, security, versions: ['h2', 'http/1.1'], name, reporter },
      (connection, socket, version) => (version === 'h2' ? http2Guard : http1Guard).accept(connection, socket),
    );
  }

  /** Starts to listen, and returns the port. Rejects with the error of `net.Server`. */
  listen(host: string, port: number): Promise<number> {
    return this.#listener.listen(host, port);
  }

  /** Returns the security of the connection of a request; `undefined` if it is closed. */
  securityOf(request: AnyRequest): ConnectionSecurity | undefined {
    return this.#connections.find((name) => request.headers[name]);
  }

  /** Stops listening and closes all connections. */
  async close(): Promise<void> {
    // Ends its checks of time-outs.
    this.#http1.close();
    await this.#listener.close();
  }
}
