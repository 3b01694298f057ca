import * as grpc from '@grpc/grpc-js';
import { KplugError } from '../errors.ts';
import type { Registration } from '../registry/registration.ts';
import { describeFailure } from './describe-failure.ts';
import { type ServingStatus, watchHealth } from './health.ts';
import { openClient } from './open-client.ts';
import type { PluginClient } from './plugin-client.ts';

/** Options of connections to plugins. */
export interface ConnectionOptions {
  credentials: grpc.ChannelCredentials;
  /** The largest answer that is taken, in bytes. Default 4 MiB. */
  maxMessageSize: number;
  /** How long a plugin has to answer when a connection to it is opened, in milliseconds. Default 2 s. */
  openTimeout: number;
}

const channelOptions: grpc.ClientOptions = {
  'grpc.max_send_message_length': -1,
  'grpc.keepalive_time_ms': 30_000,
  'grpc.keepalive_timeout_ms': 10_000,
  'grpc.use_local_subchannel_pool': 1,
  // Nobody reads what it would count of each call.
  'grpc.enable_channelz': 0,
};

/** Hears what becomes of a connection after it was opened. */
export interface ConnectionListener {
  onServing(): void;
  onNotServing(): void;
  onBroken(reason: string): void;
}

/**
 * A kept connection to one instance. Opening it makes sure that the instance that registered is the one that answers there,
 * and that it is healthy; after that its health is watched for as long as the connection lasts.
 */
export class Connection {
  readonly #plugin: PluginClient;
  readonly #listener: ConnectionListener;
  readonly #ended = new AbortController();
  readonly #unwatch: () => void;
  readonly #firstStatus = Promise.withResolvers<ServingStatus>();
  #isOpen = false;
  #serving = false;
  #inFlight = 0;
  #retired = false;
  #usedAt = performance.now();

  /** Fulfilled when the instance has answered and is healthy; rejects with `PluginUnavailable`. */
  readonly opened: Promise<void>;

  constructor(registration: Registration, options: ConnectionOptions, listener: ConnectionListener) {
    this.#listener = listener;
    const { credentials, maxMessageSize } = options;
    const channel = { ...channelOptions, 'grpc.max_receive_message_length': maxMessageSize };
    this.#plugin = openClient(registration, { credentials, channel, signal: this.#ended.signal });
    this.#firstStatus.promise.catch(() => undefined);
    this.#unwatch = watchHealth(this.#plugin.grpcClient, {
      onStatus: (status) => this.#onStatus(status),
      onEnd: (reason) => this.#onBroken(reason),
    });
    this.opened = this.#open(options.openTimeout);
    this.opened.catch(() => undefined);
  }

  /** Whether it is open, and the instance healthy. */
  get serving(): boolean {
    return this.#serving && !this.#ended.signal.aborted;
  }

  /** How many calls are under way. */
  get inFlight(): number {
    return this.#inFlight;
  }

  /** When it was last used, by `performance.now()`. */
  get usedAt(): number {
    return this.#usedAt;
  }

  /** Makes a call. It is cancelled when the connection is closed. Rejects with the gRPC error. */
  async call<T>(make: (plugin: PluginClient) => Promise<T>): Promise<T> {
    this.#inFlight++;
    try {
      return await make(this.#plugin);
    } finally {
      this.#inFlight--;
      this.#usedAt = performance.now();
      if (this.#retired && this.#inFlight === 0) this.close();
    }
  }

  /** Closes it when the calls under way have ended. */
  retire(): void {
    this.#retired = true;
    this.#unwatch();
    if (this.#inFlight === 0) this.close();
  }

  /** Closes it now and cancels the calls under way. */
  close(): void {
    if (this.#ended.signal.aborted) return;
    this.#unwatch();
    this.#firstStatus.reject(new KplugError('PluginUnavailable', 'the connection was closed'));
    this.#ended.abort();
    this.#plugin.grpcClient.close();
  }

  async #open(timeout: number): Promise<void> {
    const deadline = Date.now() + timeout;
    const timer = setTimeout(() => {
      this.#firstStatus.reject(new KplugError('PluginUnavailable', `it didn't answer within ${timeout} ms`));
    }, timeout);
    try {
      const [status] = await Promise.all([this.#firstStatus.promise, this.#checkIdentity(deadline)]);
      if (status === 'notServing') throw new KplugError('PluginUnavailable', 'it reports that it is not serving');
      this.#isOpen = true;
      this.#serving = true;
    } finally {
      clearTimeout(timer);
    }
  }

  async #checkIdentity(deadline: number): Promise<void> {
    try {
      await this.#plugin.identify(deadline);
    } catch (error) {
      if (error instanceof KplugError) throw error;
      throw new KplugError('PluginUnavailable', describeFailure(error), { cause: error });
    }
  }

  #onStatus(status: ServingStatus): void {
    this.#firstStatus.resolve(status);
    if (status === 'unimplemented') this.#watchChannel();
    if (!this.#isOpen || this.serving === (status !== 'notServing')) return;
    this.#serving = status !== 'notServing';
    if (this.#serving) this.#listener.onServing();
    else this.#listener.onNotServing();
  }

  #onBroken(reason: string): void {
    this.#firstStatus.reject(new KplugError('PluginUnavailable', reason));
    const wasOpen = this.#isOpen;
    this.#isOpen = false;
    this.#serving = false;
    if (wasOpen && !this.#retired) this.#listener.onBroken(reason);
  }

  #watchChannel(): void {
    const channel = this.#plugin.grpcClient.getChannel();
    const state = channel.getConnectivityState(false);
    channel.watchConnectivityState(state, Number.POSITIVE_INFINITY, (error) => {
      if (error || this.#ended.signal.aborted) return;
      const lost = state === grpc.connectivityState.READY;
      if (lost) this.#onBroken('the connection to it broke');
      else this.#watchChannel();
    });
  }
}
