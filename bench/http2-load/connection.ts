import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import {
  clientPreface,
  type FrameHead,
  FrameReader,
  flag,
  frame,
  frameType,
  headerBlock,
  streamOffset,
} from './frames.ts';

/** Server of a connection, and the proof of a client to it. */
export interface LoadTarget {
  port: number;
  /** CA of the server, as PEM. Default: plain text. */
  ca?: string | undefined;
  /** Token that each call brings. Default: none. */
  token?: string | undefined;
}

/** Events of a connection. */
export interface ConnectionEvents {
  /** A response has ended. */
  onAnswer(): void;
  /** A part of a response that continues was received. */
  onMessage?(): void;
  /** A ping was acknowledged, so everything written before it has been read. */
  onPong(): void;
}

const nothing = Buffer.alloc(0);
const pingFrame = frame(frameType.ping, 0, 0, Buffer.alloc(8));

/**
 * Client of an HTTP/2 connection with minimal cost, so that the benchmark measures the server: it writes prepared bytes, and reads only the
 * headers of frames. The server counts valid requests. Flow control is not needed, as the data in flight is much smaller than the windows.
 */
export class LoadConnection {
  readonly #socket: Socket;
  readonly #authority: string;
  readonly #token: string | undefined;
  readonly #events: ConnectionEvents;
  readonly #reader = new FrameReader();
  readonly #opened = Promise.withResolvers<void>();
  #nextStream = 1;
  #template: { bytes: Buffer; dataAt: number } | undefined;

  constructor({ port, ca, token }: LoadTarget, events: ConnectionEvents) {
    const target = { host: '127.0.0.1', port };
    this.#authority = `127.0.0.1:${port}`;
    this.#token = token;
    this.#events = events;
    this.#socket =
      ca === undefined
        ? connect(target)
        : connectTls({ ...target, ca, ALPNProtocols: ['h2'], servername: 'localhost', minVersion: 'TLSv1.3' });
    this.#socket.setNoDelay();
    this.#socket.write(clientPreface());
    this.#socket.on('data', (chunk: Buffer) => this.#onData(chunk));
    this.#socket.on('error', (error) => this.#opened.reject(error));
  }

  /** Resolves when the settings of the server have been received. */
  get opened(): Promise<void> {
    return this.#opened.promise;
  }

  /** Sends a request, always with the same path and body. */
  request(path: string, body: Uint8Array): void {
    const stream = this.#takeStream();
    if (stream === 1) {
      const block = headerBlock(path, this.#authority, true, this.#token);
      this.#socket.write(requestFrames(block, stream, body).bytes);
      return;
    }
    this.#template ??= requestFrames(headerBlock(path, this.#authority, false, this.#token), stream, body);
    const { bytes, dataAt } = this.#template;
    const copy = Buffer.from(bytes);
    copy.writeUInt32BE(stream, streamOffset);
    copy.writeUInt32BE(stream, dataAt + streamOffset);
    this.#socket.write(copy);
  }

  /** Opens a long-lived stream, and returns a function that sends a message in it. */
  openStream(path: string): (message: Uint8Array) => void {
    const stream = this.#takeStream();
    const block = headerBlock(path, this.#authority, true, this.#token);
    this.#socket.write(frame(frameType.headers, flag.endHeaders, stream, block));
    return (message) => this.#socket.write(frame(frameType.data, 0, stream, message));
  }

  ping(): void {
    this.#socket.write(pingFrame);
  }

  async close(): Promise<void> {
    const closed = once(this.#socket, 'close');
    this.#socket.destroy();
    await closed;
  }

  #takeStream(): number {
    const stream = this.#nextStream;
    this.#nextStream += 2;
    return stream;
  }

  #onData(chunk: Buffer): void {
    this.#socket.cork();
    for (const head of this.#reader.read(chunk)) this.#onFrame(head);
    this.#socket.uncork();
  }

  #onFrame({ type, flags, payload }: FrameHead): void {
    switch (type) {
      case frameType.data:
      case frameType.headers:
        if (flags & flag.endStream) this.#events.onAnswer();
        else if (type === frameType.data) this.#events.onMessage?.();
        break;
      case frameType.settings:
        if (flags & flag.acknowledgement) break;
        this.#socket.write(frame(frameType.settings, flag.acknowledgement, 0, nothing));
        this.#opened.resolve();
        break;
      case frameType.ping:
        if (flags & flag.acknowledgement) this.#events.onPong();
        else this.#socket.write(frame(frameType.ping, flag.acknowledgement, 0, payload));
        break;
      case frameType.resetStream:
      case frameType.goAway:
        throw new Error(`the server closed a ${type === frameType.goAway ? 'connection' : 'stream'}`);
      default:
    }
  }
}

function requestFrames(block: Buffer, stream: number, body: Uint8Array): { bytes: Buffer; dataAt: number } {
  const headers = frame(frameType.headers, flag.endHeaders, stream, block);
  const data = frame(frameType.data, flag.endStream, stream, body);
  return { bytes: Buffer.concat([headers, data]), dataAt: headers.length };
}
