import * as grpc from '@grpc/grpc-js';
import type { PluginChannel } from '../certificates/plugin-channels.ts';
import { KplugError } from '../errors.ts';
import { limits } from '../limits/limits.ts';
import type { Registration } from '../registry/registration.ts';
import { type ConnectionState, canFollow } from './connection-state.ts';
import type { ConnectionsOptions } from './connections-options.ts';
import { describeFailure } from './describe-failure.ts';
import type { ServingStatus } from './health.ts';
import type { PluginClient, PluginClientOptions } from './plugin-client.ts';
import { grpcTransport, type PluginTransport } from './plugin-transport.ts';

/** Options of a connection to a plugin. */
export type ConnectionOptions = Required<Omit<ConnectionsOptions, 'idleTimeout'>> &
  Pick<PluginClientOptions, 'streams'> & {
    /** Credentials and channel options. */
    channel: PluginChannel;
  };

const channelOptions: grpc.ClientOptions = {
  'grpc.max_send_message_length': -1,
  'grpc.keepalive_time_ms': limits.connections.keepaliveInterval,
  'grpc.keepalive_timeout_ms': limits.connections.keepaliveTimeout,
  'grpc.use_local_subchannel_pool': 1,
  // Its per-call statistics are never read.
  'grpc.enable_channelz': 0,
};

/** Receives changes of a connection after it was opened. */
export interface ConnectionListener {
  onServing(): void;
  onNotServing(): void;
  /** @param apis the APIs that the instance reports not to serve now. */
  onUnserved(apis: ReadonlySet<string>): void;
  /** The connection broke; it was closed before. */
  onBroken(reason: string): void;
  /** The connection was closed, for any reason. */
  onClosed(): void;
}

/**
 * Long-lived connection to one instance. Opening it verifies that the registered instance answers and is healthy; its health is
 * watched until the connection is retired or closed.
 */
export class Connection {
  readonly #transport: PluginTransport;
  readonly #plugin: PluginClient;
  readonly #channel: PluginChannel;
  /** Registration of the instance when the connection was opened. */
  readonly registration: Registration;
  readonly #listener: ConnectionListener;
  readonly #ended = new AbortController();
  readonly #watches: (() => void)[] = [];
  readonly #firstStatus = Promise.withResolvers<ServingStatus>();
  /** Rejects when the connection can't be opened any more. */
  readonly #failed = Promise.withResolvers<never>();
  /** APIs whose health was not reported yet. */
  readonly #unreported: Set<string>;
  readonly #allReported = Promise.withResolvers<void>();
  #state: ConnectionState = 'connecting';
  #unserved: ReadonlySet<string> = new Set();
  #inFlight = 0;
  #usedAt = performance.now();

  /** Fulfilled when the instance has answered and is healthy; rejects with `PluginUnavailable`. */
  readonly opened: Promise<void>;

  constructor(
    registration: Registration,
    options: ConnectionOptions,
    listener: ConnectionListener,
    transport: PluginTransport = grpcTransport,
  ) {
    this.#transport = transport;
    this.#listener = listener;
    this.registration = registration;
    this.#channel = options.channel;
    const { credentials } = options.channel;
    const { maxMessageSize, streams } = options;
    // A larger response on a stream is read, up to this limit, so that it ends its own call only.
    const maxReceived = maxMessageSize * limits.connections.maxReceivedMultiple;
    const channel = {
      ...channelOptions,
      ...options.channel.options,
      'grpc.max_receive_message_length': maxReceived,
    };
    this.#plugin = transport.openClient(registration, {
      credentials,
      channel,
      maxMessageSize,
      streams,
      signal: this.#ended.signal,
    });
    this.#failed.promise.catch(() => undefined);
    const interval = options.healthInterval;
    const { grpcClient } = this.#plugin;
    const overall = transport.watchHealth(
      grpcClient,
      { service: '', interval },
      {
        onStatus: (status) => this.#onStatus(status),
        onUnwatched: () => this.#watchChannel(),
        onEnd: (reason) => this.#onBroken(reason),
      },
    );
    // v0 plugins serve no health and register each API separately.
    const apis = registration.protocol === 'kplug' ? [] : registration.apis.map(({ name }) => name);
    this.#unreported = new Set(apis);
    if (apis.length === 0) this.#allReported.resolve();
    this.#watches.push(overall, ...apis.map((api) => this.#watchApi(api, interval)));
    this.opened = this.#open(options.openTimeout);
    this.opened.catch(() => undefined);
  }

  get state(): ConnectionState {
    return this.#state;
  }

  /** APIs that the instance reports not to serve now. */
  get unserved(): ReadonlySet<string> {
    return this.#unserved;
  }

  /** True if the plugin runs the calls for one resource one after another. */
  get serializesCalls(): boolean {
    return this.#plugin.serializesCalls;
  }

  /** Number of in-flight calls. */
  get inFlight(): number {
    return this.#inFlight;
  }

  /** Time at which a certificate of the connection expires, in milliseconds since the epoch. */
  get expiresAt(): number {
    return this.#channel.expiresAt;
  }

  /** Time at which the last call ended, by `performance.now()`. */
  get usedAt(): number {
    return this.#usedAt;
  }

  /** Makes a call, which is cancelled when the connection is closed. Rejects with the gRPC error. */
  async call<T>(make: (plugin: PluginClient) => Promise<T>): Promise<T> {
    this.#inFlight++;
    try {
      return await make(this.#plugin);
    } finally {
      this.#inFlight--;
      this.#usedAt = performance.now();
      if (this.#state === 'retired' && this.#inFlight === 0) this.close();
    }
  }

  /** Closes the connection when its in-flight calls have ended. */
  retire(): void {
    this.#enter('retired');
    if (this.#inFlight === 0) this.close();
  }

  /** Closes the connection now and cancels its in-flight calls. */
  close(): void {
    this.#enter('closed', 'the connection was closed');
  }

  /** Changes the state, with what belongs to each change. Returns false if the new state can't follow the current one. */
  #enter(next: ConnectionState, reason = ''): boolean {
    if (!canFollow(this.#state, next)) return false;
    this.#state = next;
    if (next === 'retired' || next === 'closed') for (const unwatch of this.#watches) unwatch();
    if (next === 'closed') {
      this.#failed.reject(new KplugError('PluginUnavailable', reason));
      this.#ended.abort();
      this.#plugin.grpcClient.close();
      this.#listener.onClosed();
    }
    return true;
  }

  async #open(timeout: number): Promise<void> {
    const deadline = Date.now() + timeout;
    const timer = setTimeout(() => {
      this.#failed.reject(new KplugError('PluginUnavailable', `it didn't answer within ${timeout} ms`));
    }, timeout);
    // The overall status applies to APIs without a separate status.
    const apiTimer = setTimeout(() => this.#allReported.resolve(), timeout / 2);
    try {
      const answers = [this.#firstStatus.promise, this.#checkIdentity(deadline), this.#allReported.promise] as const;
      const [status] = await Promise.race([this.#failed.promise, Promise.all(answers)]);
      if (status === 'notServing') throw new KplugError('PluginUnavailable', 'it reports that it is not serving');
      if (!this.#enter('serving')) await this.#failed.promise;
    } finally {
      clearTimeout(timer);
      clearTimeout(apiTimer);
    }
  }

  async #checkIdentity(deadline: number): Promise<void> {
    try {
      await this.#plugin.identify(deadline);
    } catch (error) {
      if (error instanceof KplugError) throw error;
      throw new KplugError('PluginUnavailable', this.#channel.explain(describeFailure(error)), { cause: error });
    }
  }

  #onStatus(status: ServingStatus): void {
    this.#firstStatus.resolve(status);
    if (this.#state === 'connecting') return;
    if (status === 'notServing') {
      if (this.#enter('notServing')) this.#listener.onNotServing();
    } else if (this.#enter('serving')) this.#listener.onServing();
  }

  #watchApi(api: string, interval: number): () => void {
    const onReported = () => {
      this.#unreported.delete(api);
      if (this.#unreported.size === 0) this.#allReported.resolve();
    };
    return this.#transport.watchHealth(
      this.#plugin.grpcClient,
      { service: api, interval },
      {
        onStatus: (status) => {
          this.#onApiStatus(api, status);
          onReported();
        },
        onUnwatched: () => undefined,
        onEnd: (reason) => {
          // A server that fails for an unknown service name may still have a sound connection.
          if (this.#unreported.has(api)) onReported();
          else this.#onBroken(reason);
        },
      },
    );
  }

  #onApiStatus(api: string, status: ServingStatus): void {
    const isUnserved = status === 'notServing';
    if (isUnserved === this.#unserved.has(api)) return;
    const unserved = new Set(this.#unserved);
    if (isUnserved) unserved.add(api);
    else unserved.delete(api);
    this.#unserved = unserved;
    if (this.#state !== 'connecting') this.#listener.onUnserved(unserved);
  }

  #onBroken(reason: string): void {
    // The in-flight calls of a retired connection end normally, and the last one closes it.
    if (this.#state === 'retired') return;
    const wasOpen = this.#state !== 'connecting';
    const why = this.#channel.explain(reason);
    if (this.#enter('closed', why) && wasOpen) this.#listener.onBroken(why);
  }

  #watchChannel(): void {
    const channel = this.#plugin.grpcClient.getChannel();
    const state = channel.getConnectivityState(false);
    channel.watchConnectivityState(state, Number.POSITIVE_INFINITY, (error) => {
      if (error || this.#state === 'closed') return;
      if (state === grpc.connectivityState.READY) this.#onBroken('the connection to it broke');
      else this.#watchChannel();
    });
  }
}
