import net from 'node:net';
import * as grpc from '@grpc/grpc-js';
import {
  type AttachmentNotice,
  AttachmentService,
  createGrpcClient,
  quietGrpc,
  type TunnelResponse,
} from '@kplug/protocol';

/** Options of the client of a tunnel. */
export interface TunnelClientOptions {
  /** Port of the loopback interface that leads to the heartbeat port of the operator. */
  operatorPort: number;
  /** CA of the operator, as PEM. Default: plain text. */
  ca: Buffer | undefined;
  /** `namespace/name` of the attachment. */
  attachment: string;
  token: string;
  /** Port of the loopback interface on which the plugin listens: the only one that the operator reaches. */
  pluginPort: number;
  onNotice: (notice: AttachmentNotice) => void;
  /** Called when the tunnel is open. */
  onOpen: () => void;
  /** Called when the tunnel broke or was refused. It is opened again after a delay, unless the client was closed. */
  onBroken: (error: { code: number; message: string }) => void;
}

/** Time between two attempts to open the tunnel, in milliseconds. */
const retryDelay = 1_000;

/** Bytes of a message, at most. */
const maxFrameSize = 32 * 1024;

type TunnelCall = ReturnType<ReturnType<typeof createGrpcClient<typeof AttachmentService>>['tunnel']>;

/** Carries the connections of an operator to a plugin on this machine. */
export class TunnelClient {
  readonly #options: TunnelClientOptions;
  readonly #client: ReturnType<typeof createGrpcClient<typeof AttachmentService>>;
  readonly #sockets = new Map<number, net.Socket>();
  #call: TunnelCall | undefined;
  #retry: NodeJS.Timeout | undefined;
  /** Number of the newest connection. */
  #last = 0;
  #isClosed = false;

  constructor(options: TunnelClientOptions) {
    quietGrpc();
    this.#options = options;
    const credentials = options.ca ? grpc.credentials.createSsl(options.ca) : grpc.credentials.createInsecure();
    this.#client = createGrpcClient(AttachmentService, `127.0.0.1:${options.operatorPort}`, credentials, {
      'grpc.ssl_target_name_override': 'localhost',
      'grpc.keepalive_time_ms': 10_000,
      'grpc.keepalive_timeout_ms': 5_000,
      'grpc.initial_reconnect_backoff_ms': retryDelay,
      'grpc.max_reconnect_backoff_ms': 5 * retryDelay,
    });
  }

  /** Opens the tunnel, and again whenever it breaks. */
  open(): void {
    if (this.#isClosed) return;
    const { attachment, token, onBroken } = this.#options;
    const metadata = new grpc.Metadata();
    metadata.set('authorization', `Bearer ${token}`);
    metadata.set('kplug-attachment', attachment);
    const call = this.#client.tunnel({ metadata });
    this.#call = call;
    this.#last = 0;
    call.on('data', (response: TunnelResponse) => this.#receive(call, response));
    call.on('drain', () => {
      for (const socket of this.#sockets.values()) socket.resume();
    });
    let isOver = false;
    const onEnd = (error: { code: number; message: string }) => {
      if (isOver) return;
      isOver = true;
      this.#reset();
      if (this.#isClosed) return;
      onBroken(error);
      this.#retry = setTimeout(() => this.open(), retryDelay);
    };
    call.on('error', (error: grpc.ServiceError) =>
      onEnd({ code: error.code, message: error.details || error.message }),
    );
    call.on('end', () => onEnd({ code: grpc.status.UNAVAILABLE, message: 'the operator closed the tunnel' }));
  }

  /** Closes the tunnel for good. */
  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#retry);
    this.#call?.cancel();
    this.#reset();
    this.#client.$client.close();
  }

  #receive(call: TunnelCall, { connection, data, end, notice }: TunnelResponse): void {
    const { onNotice, onOpen } = this.#options;
    if (notice) onNotice(notice);
    else if (connection === 0) onOpen();
    if (connection === 0) return;
    const socket = this.#sockets.get(connection) ?? this.#connect(call, connection, end);
    if (!socket) return;
    if (data.length > 0 && !socket.write(data)) {
      call.pause();
      socket.once('drain', () => call.resume());
    }
    if (end) socket.end();
  }

  #connect(call: TunnelCall, connection: number, isOver: boolean): net.Socket | undefined {
    // A late frame of a connection that this side has closed.
    if (isOver || connection <= this.#last) return undefined;
    this.#last = connection;
    const socket = net.connect({ host: '127.0.0.1', port: this.#options.pluginPort, allowHalfOpen: true });
    this.#sockets.set(connection, socket);
    const send = (data: Uint8Array, end: boolean) => call.write({ connection, data, end });
    socket.on('error', () => undefined);
    socket.on('data', (data: Buffer) => {
      let isReady = true;
      for (let at = 0; at < data.length; at += maxFrameSize)
        isReady = send(data.subarray(at, at + maxFrameSize), false);
      if (!isReady) socket.pause();
    });
    socket.on('close', () => {
      this.#sockets.delete(connection);
      // It may have waited to be written to.
      call.resume();
      if (this.#call === call && !call.destroyed) send(new Uint8Array(), true);
    });
    socket.on('end', () => socket.end());
    return socket;
  }

  #reset(): void {
    this.#call = undefined;
    for (const socket of this.#sockets.values()) socket.destroy();
    this.#sockets.clear();
  }
}
