import http2 from 'node:http2';
import { limits } from '../limits/limits.ts';
import { TokenBucket } from '../queue/token-bucket.ts';
import type { Connection } from './connection.ts';
import type { RefusalReason } from './refusal-reason.ts';
import type { RequestLimits } from './request-limits.ts';

/** Open request. */
interface Request {
  openedAt: number;
  /** Time since which the peer has read nothing of the response, and how much of it waits. */
  stalledAt: number | undefined;
  waiting: number;
}

/** Errors of nghttp2 for a bad preface, and for frames that violate the protocol, are too long, or whose headers are malformed. */
const malformedInput = [-903, -505, -522, -523];

/** Guard of one HTTP/2 session. Closes the connection when its peer floods it, with ENHANCE_YOUR_CALM. */
export class SessionGuard {
  readonly connection: Connection;
  readonly #session: http2.Http2Session;
  readonly #limits: RequestLimits;
  readonly #requests = new Map<http2.ServerHttp2Stream, Request>();
  readonly #resets = new TokenBucket({ burst: limits.ports.maxResets, interval: limits.ports.resetInterval });
  readonly #frames = new TokenBucket({
    burst: limits.ports.maxControlFrames,
    interval: limits.ports.controlFrameInterval,
  });
  /** Bytes that the peer may still send without opening requests. */
  #input = limits.ports.maxInput;
  #bytesRead = 0;
  /** Bytes that were read for requests that have been answered. */
  #answeredBytes = 0;
  #inspectedAt = performance.now();

  constructor(connection: Connection, session: http2.Http2Session, requestLimits: RequestLimits) {
    this.connection = connection;
    this.#session = session;
    this.#limits = requestLimits;
    // A peer that is accepted may measure the time to the server as often as it likes.
    session.on('ping', () => connection.stage === 'trusted' || this.#take(this.#frames));
    session.on('remoteSettings', () => this.#take(this.#frames));
    session.on('error', (error) => this.#onError(error));
    connection.inspect = (now) => this.#inspect(now);
  }

  /** Admits a request. Returns false for one that must not be served. */
  admit(stream: http2.ServerHttp2Stream): boolean {
    if (this.#session.destroyed || this.#unreadBytes() > limits.ports.maxUnreadResponses) return false;
    if (this.#hasUnansweredInput()) {
      this.#end('flood');
      return false;
    }
    this.#input = Math.min(limits.ports.maxInput, this.#input + limits.ports.inputPerRequest);
    this.#requests.set(stream, { openedAt: performance.now(), stalledAt: undefined, waiting: 0 });
    this.connection.requestOpened();
    // A reset with an error may come before the server listens to the stream.
    stream.on('error', () => undefined);
    stream.once('close', () => {
      this.#requests.delete(stream);
      this.connection.requestClosed();
      const answered = this.#requests.size === 0 ? Number.POSITIVE_INFINITY : limits.ports.inputPerRequest;
      this.#answeredBytes = Math.min(this.connection.socket.bytesRead, this.#answeredBytes + answered);
      if (stream.aborted) this.#take(this.#resets);
    });
    return true;
  }

  /** Reports an error of the peer for which Node.js has closed the connection. One that broke, or that the peer ended, is none. */
  #onError(error: Error): void {
    const { code, errno } = error as NodeJS.ErrnoException;
    if (code === 'ERR_HTTP2_TOO_MANY_INVALID_FRAMES') this.connection.reportRefusal('flood', true);
    if (code !== 'ERR_HTTP2_ERROR') return;
    const isMalformed = malformedInput.includes(errno ?? 0);
    // Frames that cross with the end of a session may look malformed, such as those of clients in Go.
    if (isMalformed && this.connection.stage === 'trusted') return;
    this.connection.reportRefusal(isMalformed ? 'wrong-protocol' : 'flood', true);
  }

  #take(bucket: TokenBucket): void {
    if (!bucket.take()) this.#end('flood');
  }

  /** Closes the connection with ENHANCE_YOUR_CALM, so that its peer sees that it is to blame. */
  #end(reason: RefusalReason): void {
    this.connection.reportRefusal(reason);
    this.#session.destroy(undefined, http2.constants.NGHTTP2_ENHANCE_YOUR_CALM);
    // The session waits for its peer to close the connection, which it need not do.
    setImmediate(() => this.connection.destroy());
  }

  /** Bytes of responses that the peer hasn't read. */
  #unreadBytes(): number {
    let sum = 0;
    for (const stream of this.#requests.keys()) sum += stream.writableLength;
    return sum;
  }

  /** Closes the connection if its peer floods it, or if a request or a response takes too long. */
  #inspect(now: number): void {
    if (this.#session.destroyed) {
      this.connection.destroy();
      return;
    }
    const reason = this.#isFlooded(now) || this.#hasUnansweredInput() ? 'flood' : this.#overdueReason(now);
    if (reason) this.#end(reason);
  }

  #overdueReason(now: number): RefusalReason | undefined {
    for (const [stream, request] of this.#requests) {
      if (stream.headersSent) this.connection.requestAnswered();
      else if (now - request.openedAt > this.#limits.requestTimeout) return 'request-timeout';
      if (isStalled(stream, request, now)) return 'request-timeout';
    }
    return undefined;
  }

  /** Reports whether a peer that isn't accepted has sent more than it may before it is answered: parts of messages stay in memory. */
  #hasUnansweredInput(): boolean {
    const { stage, socket } = this.connection;
    if (stage !== 'waiting') this.#answeredBytes = socket.bytesRead;
    return socket.bytesRead - this.#answeredBytes > limits.ports.maxUnansweredInput;
  }

  #isFlooded(now: number): boolean {
    const { bytesRead } = this.connection.socket;
    const allowed = ((now - this.#inspectedAt) / 1_000) * limits.ports.inputRate;
    this.#input = Math.min(limits.ports.maxInput, this.#input + allowed) - (bytesRead - this.#bytesRead);
    this.#bytesRead = bytesRead;
    this.#inspectedAt = now;
    return this.#input < 0;
  }
}

/** Reports whether the peer has read nothing of a response for too long, though there is more of it. */
function isStalled(stream: http2.ServerHttp2Stream, request: Request, now: number): boolean {
  const waiting = stream.writableLength + (stream.writableEnded ? 1 : 0);
  if (waiting === 0 || waiting < request.waiting || request.stalledAt === undefined) {
    request.stalledAt = waiting === 0 ? undefined : now;
  }
  request.waiting = waiting;
  return request.stalledAt !== undefined && now - request.stalledAt > limits.ports.stallTimeout;
}
