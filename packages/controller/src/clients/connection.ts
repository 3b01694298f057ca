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
  /**
   * How often a plugin is asked for its health that serves no `Watch`, in milliseconds. Default 10 s; six times as long once it
   * has been well for six times in a row.
   */
  healthInterval: number;
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
  /** Which of its APIs it doesn't serve now. */
  onUnserved(apis: ReadonlySet<string>): void;
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
  readonly #watches: (() => void)[] = [];
  readonly #firstStatus = Promise.withResolvers<ServingStatus>();
  /** The APIs of which nothing has been heard yet, until all have been or none of the others is waited for. */
  readonly #unheard: Set<string>;
  readonly #allHeard = Promise.withResolvers<void>();
  #unserved: ReadonlySet<string> = new Set();
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
    const interval = options.healthInterval;
    const { grpcClient } = this.#plugin;
    const overall = watchHealth(
      grpcClient,
      { service: '', interval },
      {
        onStatus: (status) => this.#onStatus(status),
        onUnwatched: () => this.#watchChannel(),
        onEnd: (reason) => this.#onBroken(reason),
      },
    );
    // The first Kplug knew nothing of health, and its plugins register one API each.
    const apis = registration.protocol === 'kplug' ? [] : registration.apis.map(({ name }) => name);
    this.#unheard = new Set(apis);
    if (apis.length === 0) this.#allHeard.resolve();
    this.#watches.push(overall, ...apis.map((api) => this.#watchApi(api, interval)));
    this.opened = this.#open(options.openTimeout);
    this.opened.catch(() => undefined);
  }

  /** Whether it is open, and the instance healthy. */
  get serving(): boolean {
    return this.#serving && !this.#ended.signal.aborted;
  }

  /** The APIs that the instance reports not to serve now. */
  get unserved(): ReadonlySet<string> {
    return this.#unserved;
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
    for (const unwatch of this.#watches) unwatch();
    if (this.#inFlight === 0) this.close();
  }

  /** Closes it now and cancels the calls under way. */
  close(): void {
    if (this.#ended.signal.aborted) return;
    for (const unwatch of this.#watches) unwatch();
    this.#firstStatus.reject(new KplugError('PluginUnavailable', 'the connection was closed'));
    this.#ended.abort();
    this.#plugin.grpcClient.close();
  }

  async #open(timeout: number): Promise<void> {
    const deadline = Date.now() + timeout;
    const timer = setTimeout(() => {
      this.#firstStatus.reject(new KplugError('PluginUnavailable', `it didn't answer within ${timeout} ms`));
    }, timeout);
    // Of an API that nothing is said of, what is said of the whole holds.
    const apiTimer = setTimeout(() => this.#allHeard.resolve(), timeout / 2);
    try {
      const answers = [this.#firstStatus.promise, this.#checkIdentity(deadline), this.#allHeard.promise] as const;
      const [status] = await Promise.all(answers);
      if (status === 'notServing') throw new KplugError('PluginUnavailable', 'it reports that it is not serving');
      this.#isOpen = true;
      this.#serving = true;
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
      throw new KplugError('PluginUnavailable', describeFailure(error), { cause: error });
    }
  }

  #onStatus(status: ServingStatus): void {
    this.#firstStatus.resolve(status);
    if (!this.#isOpen || this.serving === (status !== 'notServing')) return;
    this.#serving = status !== 'notServing';
    if (this.#serving) this.#listener.onServing();
    else this.#listener.onNotServing();
  }

  #watchApi(api: string, interval: number): () => void {
    const heard = () => {
      this.#unheard.delete(api);
      if (this.#unheard.size === 0) this.#allHeard.resolve();
    };
    return watchHealth(
      this.#plugin.grpcClient,
      { service: api, interval },
      {
        onStatus: (status) => {
          this.#onApiStatus(api, status);
          heard();
        },
        onUnwatched: () => undefined,
        onEnd: (reason) => {
          // A server that fails for a name that it doesn't know says nothing of the connection.
          if (this.#unheard.has(api)) heard();
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
    if (this.#isOpen) this.#listener.onUnserved(unserved);
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
