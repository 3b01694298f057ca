import type http from 'node:http';
import type net from 'node:net';
import type { Connection } from './connection.ts';
import type { OpenConnections } from './open-connections.ts';
import type { RefusalReason } from './refusal-reason.ts';
import type { RequestLimits } from './request-limits.ts';

/** Answers to requests that can't be served, by the code of the error, with the reason to report. */
const answers: readonly (readonly [code: RegExp, status: string, reason: RefusalReason])[] = [
  [/^HPE_HEADER_OVERFLOW$/, '431 Request Header Fields Too Large', 'flood'],
  [/^HPE_CHUNK_EXTENSIONS_OVERFLOW$/, '413 Payload Too Large', 'flood'],
  [/^ERR_HTTP_REQUEST_TIMEOUT$/, '408 Request Timeout', 'request-timeout'],
  [/^HPE_/, '400 Bad Request', 'wrong-protocol'],
];

/** Guard of an HTTP/1 server, which keeps the time-outs of headers and bodies itself. */
export class Http1Guard {
  readonly #server: http.Server;
  readonly #connections: OpenConnections;
  readonly #bySocket = new WeakMap<net.Socket, Connection>();
  /** Responses that are being made. */
  readonly #responses = new WeakMap<net.Socket, http.ServerResponse>();

  constructor(server: http.Server, connections: OpenConnections, { requestTimeout, idleTimeout }: RequestLimits) {
    this.#server = server;
    this.#connections = connections;
    server.headersTimeout = requestTimeout;
    server.requestTimeout = requestTimeout;
    server.keepAliveTimeout = idleTimeout;
    server.prependListener('request', (request, response) => this.#track(request, response));
    server.on('clientError', (error, socket) => this.#onError(error, socket as net.Socket));
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
    this.#responses.set(request.socket, response);
    response.once('close', () => {
      connection.requestClosed();
      this.#responses.delete(request.socket);
    });
  }

  /** Answers a request that is malformed, too large or too slow, as the server does without a listener, and reports it. */
  #onError(error: Error, socket: net.Socket): void {
    const { code = '' } = error as NodeJS.ErrnoException;
    const answer = answers.find(([pattern]) => pattern.test(code));
    // A connection that broke needs no answer.
    if (answer) {
      this.#bySocket.get(socket)?.reportRefusal(answer[2]);
      const status = answer[1];
      const isAnswered = this.#responses.get(socket)?.headersSent ?? false;
      if (socket.writable && !isAnswered) socket.write(`HTTP/1.1 ${status}\r\nconnection: close\r\n\r\n`);
    }
    socket.destroySoon();
  }
}
