import type http from 'node:http';
import type net from 'node:net';
import type { Connection } from './connection.ts';
import type { OpenConnections } from './open-connections.ts';
import type { RequestLimits } from './request-limits.ts';

/** Guard of an HTTP/1 server, which keeps the time-outs of headers and bodies itself. */
export class Http1Guard {
  readonly #server: http.Server;
  readonly #connections: OpenConnections;
  readonly #bySocket = new WeakMap<net.Socket, Connection>();

  constructor(server: http.Server, connections: OpenConnections, { requestTimeout, idleTimeout }: RequestLimits) {
    this.#server = server;
    this.#connections = connections;
    server.headersTimeout = requestTimeout;
    server.requestTimeout = requestTimeout;
    server.keepAliveTimeout = idleTimeout;
    server.prependListener('request', (request, response) => this.#track(request, response));
    // The server checks its time-outs once it listens, which it never does itself.
    server.emit('listening');
  }

  /** Serves a connection. */
  accept(connection: Connection, socket: net.Socket): void {
    this.#connections.add(connection);
    this.#bySocket.set(socket, connection);
    this.#server.emit('connection', socket);
    socket.resume();
  }

  #track(request: http.IncomingMessage, response: http.ServerResponse): void {
    const connection = this.#bySocket.get(request.socket);
    if (!connection) return;
    this.#connections.mark(request.headers, connection);
    connection.requestOpened();
    response.once('close', () => connection.requestClosed());
  }
}
