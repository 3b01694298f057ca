import http from 'node:http';
import http2 from 'node:http2';
import net from 'node:net';
import { MiB } from '../limits/limit.ts';
import { limits } from '../limits/limits.ts';

/** Connection preface of HTTP/2 without TLS (RFC 9113, section 3.4). */
const preface = 'PRI * HTTP/2.0';

type Handler = (
  request: http.IncomingMessage | http2.Http2ServerRequest,
  response: http.ServerResponse | http2.Http2ServerResponse,
) => void;

/** Server of HTTP/1.1 (browsers, curl, probes) and HTTP/2 (gRPC) on one port, without TLS. */
export class AnyHttpServer {
  readonly #sockets = new Set<net.Socket>();
  readonly #http1: http.Server;
  readonly #http2: http2.Http2Server;
  readonly #server: net.Server;

  constructor(handler: Handler) {
    this.#http1 = http.createServer(handler);
    const { maxSessionMemory, maxStreams } = limits.admin;
    const options = { maxSessionMemory: maxSessionMemory / MiB, settings: { maxConcurrentStreams: maxStreams } };
    this.#http2 = http2.createServer(options, handler);
    this.#server = net.createServer((socket) => this.#accept(socket));
  }

  /** Starts to listen, and returns the port. Rejects with the error of `net.Server`. */
  listen(host: string, port: number): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen({ host: host || undefined, port }, () => {
        this.#server.off('error', reject);
        resolve((this.#server.address() as net.AddressInfo).port);
      });
    });
  }

  /** Stops listening and closes all connections. */
  close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    return new Promise((resolve) => {
      this.#server.close(() => resolve());
    });
  }

  #accept(socket: net.Socket): void {
    this.#sockets.add(socket);
    socket.on('close', () => this.#sockets.delete(socket));
    // Errors before the first request have no one to be reported to.
    socket.on('error', () => socket.destroy());
    socket.once('data', (chunk: Buffer) => {
      socket.pause();
      socket.unshift(chunk);
      if (chunk.subarray(0, preface.length).toString('latin1') === preface) {
        // The HTTP/2 server reads the buffered data itself while the socket is paused.
        this.#http2.emit('connection', socket);
      } else {
        this.#http1.emit('connection', socket);
        socket.resume();
      }
    });
  }
}
