import net from 'node:net';
import { limits } from '../limits/limits.ts';

/** Part of a connection: bytes, and whether it ends with them. */
export interface Frame {
  connection: number;
  data: Uint8Array;
  end: boolean;
}

/** Notice for the user of an attachment. */
export interface Notice {
  resource: string;
  message: string;
}

/** Stream to the machine of the attached plugin. */
export interface TunnelStream {
  /** Sends a frame. Returns false if no more should be sent until `drained` is called. */
  send(frame: Frame): boolean;
  notify(notice: Notice): void;
  /** Pauses or resumes the frames that come. */
  setPaused(isPaused: boolean): void;
  /** Ends the stream, with the reason for the user. */
  end(reason: string): void;
}

const { maxConnections, maxFrameSize } = limits.attachments;

/**
 * Way to an attached plugin: a port on the loopback interface of the controller, whose connections are carried over a stream that the
 * machine of the plugin opened. The plugin verifies the certificate of the controller at the other end, so that the port gives others
 * nothing.
 */
export class Tunnel {
  readonly #server: net.Server;
  readonly #sockets = new Map<number, net.Socket>();
  /** Sockets whose peers read slower than bytes come. */
  readonly #full = new Set<net.Socket>();
  #stream: TunnelStream | undefined;
  #last = 0;

  constructor() {
    this.#server = net.createServer({ allowHalfOpen: true }, (socket) => this.#accept(socket));
    this.#server.maxConnections = maxConnections;
  }

  /** Opens the port. */
  async listen(): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#server.once('error', reject);
    this.#server.listen({ host: '127.0.0.1', port: 0 }, resolve);
    await promise;
    this.#server.unref();
  }

  /** Address of the port. */
  get address(): string {
    const bound = this.#server.address();
    return `127.0.0.1:${typeof bound === 'object' && bound ? bound.port : 0}`;
  }

  /** True while the machine of the plugin is connected. */
  get isOpen(): boolean {
    return this.#stream !== undefined;
  }

  /** Carries connections over a stream from now on. The connections of the former one end. */
  open(stream: TunnelStream): void {
    this.#stream?.end('another process of the same attachment opened a tunnel');
    this.#reset();
    this.#stream = stream;
  }

  /** Handles the end of a stream. Returns false if another one has replaced it. */
  ended(stream: TunnelStream): boolean {
    if (this.#stream !== stream) return false;
    this.#stream = undefined;
    this.#reset();
    return true;
  }

  /** Handles a frame of a stream. Those of unknown connections are dropped, as both sides may end one at the same time. */
  receive(stream: TunnelStream, { connection, data, end }: Frame): void {
    const socket = stream === this.#stream ? this.#sockets.get(connection) : undefined;
    if (!socket) return;
    if (data.length > 0 && !socket.write(data)) {
      this.#full.add(socket);
      stream.setPaused(true);
    }
    if (end) socket.end();
  }

  /** Goes on to send, as the stream has sent what was written. */
  drained(stream: TunnelStream): void {
    if (stream === this.#stream) for (const socket of this.#sockets.values()) socket.resume();
  }

  /** Sends a notice to the user, if the machine is connected. */
  notify(notice: Notice): void {
    this.#stream?.notify(notice);
  }

  /** Ends the stream and all connections, and closes the port. */
  close(reason: string): void {
    this.#stream?.end(reason);
    this.#stream = undefined;
    this.#reset();
    this.#server.close();
  }

  #accept(socket: net.Socket): void {
    const stream = this.#stream;
    socket.on('error', () => undefined);
    if (!stream) return void socket.destroy();
    const connection = ++this.#last;
    this.#sockets.set(connection, socket);
    stream.send({ connection, data: nothing, end: false });
    socket.on('data', (data: Buffer) => {
      let isReady = true;
      for (let at = 0; at < data.length; at += maxFrameSize) {
        isReady = stream.send({ connection, data: data.subarray(at, at + maxFrameSize), end: false });
      }
      if (!isReady) socket.pause();
    });
    socket.on('drain', () => this.#emptied(socket));
    socket.on('end', () => stream.send({ connection, data: nothing, end: true }));
    socket.on('close', (hadError) => {
      this.#sockets.delete(connection);
      this.#emptied(socket);
      if (hadError) stream.send({ connection, data: nothing, end: true });
    });
  }

  #emptied(socket: net.Socket): void {
    if (this.#full.delete(socket) && this.#full.size === 0) this.#stream?.setPaused(false);
  }

  #reset(): void {
    for (const socket of this.#sockets.values()) socket.destroy();
    this.#sockets.clear();
    this.#full.clear();
  }
}

const nothing = new Uint8Array();
