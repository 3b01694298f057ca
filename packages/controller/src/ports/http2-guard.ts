import http2 from 'node:http2';
import type net from 'node:net';
import { limits } from '../limits/limits.ts';
import type { Connection } from './connection.ts';
import type { OpenConnections } from './open-connections.ts';
import type { RequestLimits } from './request-limits.ts';
import { SessionGuard } from './session-guard.ts';
import { Turns } from './turns.ts';

/** Options of a guard. */
export interface Http2GuardOptions extends RequestLimits {
  /** Collects the connections that are served. */
  connections: OpenConnections;
  /** Answers a request instead of the server. Returns false for one that the server is to answer. */
  answer?: (stream: http2.ServerHttp2Stream, headers: http2.IncomingHttpHeaders) => boolean;
}

type StreamListener = (stream: http2.ServerHttp2Stream, headers: http2.IncomingHttpHeaders, ...rest: unknown[]) => void;

/** Guard of an HTTP/2 server against floods: of frames, of reset or unanswered requests, and of responses that nobody reads. */
export class Http2Guard {
  readonly #inject: (socket: net.Socket) => void;
  readonly #limits: RequestLimits;
  readonly #connections: OpenConnections;
  readonly #sessions = new WeakMap<http2.Http2Session, SessionGuard>();
  readonly #turns = new Turns(limits.ports.requestsPerTurn);
  #accepting: Connection | undefined;

  /**
   * @param server server with its listener of requests, which gets only those that the guard lets through.
   * @param inject gives a socket to the server.
   */
  constructor(
    server: http2.Http2Server,
    inject: (socket: net.Socket) => void,
    { connections, answer = () => false, ...requestLimits }: Http2GuardOptions,
  ) {
    this.#inject = inject;
    this.#limits = requestLimits;
    this.#connections = connections;
    server.updateSettings({ maxHeaderListSize: requestLimits.maxHeaderSize });
    server.prependListener('session', (session) => this.#guard(session));
    const listeners = server.listeners('stream') as StreamListener[];
    server.removeAllListeners('stream');
    server.on('stream', (stream, headers, ...rest) => {
      if (!this.#admit(stream, headers)) return;
      this.#turns.run(() => {
        // Its peer may have reset it meanwhile.
        if (stream.destroyed || answer(stream, headers)) return;
        for (const listener of listeners) listener.call(server, stream, headers, ...rest);
      });
    });
  }

  /** Serves a connection. */
  accept(connection: Connection, socket: net.Socket): void {
    this.#connections.add(connection);
    this.#accepting = connection;
    this.#inject(socket);
    this.#accepting = undefined;
  }

  #guard(session: http2.Http2Session): void {
    // The server emits `session` while it takes over the socket.
    if (this.#accepting) this.#sessions.set(session, new SessionGuard(this.#accepting, session, this.#limits));
    else session.destroy();
  }

  #admit(stream: http2.ServerHttp2Stream, headers: http2.IncomingHttpHeaders): boolean {
    const guard = stream.session && this.#sessions.get(stream.session);
    if (guard?.admit(stream)) {
      this.#connections.mark(headers, guard.connection);
      return true;
    }
    stream.on('error', () => undefined);
    stream.close(http2.constants.NGHTTP2_ENHANCE_YOUR_CALM);
    return false;
  }
}

/** Options of `http2.createServer` for the limits that all ports have. */
export const http2Options = {
  streamResetBurst: limits.ports.maxResets,
  streamResetRate: Math.ceil(1_000 / limits.ports.resetInterval),
  maxSessionInvalidFrames: limits.ports.maxInvalidFrames,
};
