import { limits } from '../../limits/limits.ts';
import { backOffDelay } from '../../queue/back-off.ts';
import { pause } from '../../queue/pause.ts';
import { visitAll } from '../../queue/slices.ts';
import { isJsonObject } from '../json.ts';
import type { ResourceKind } from '../resource.ts';
import { ApiError } from './api-error.ts';
import type { Discovery, ServedKind } from './discovery.ts';
import type { KindCache } from './kind-cache.ts';
import { listPages } from './list-pages.ts';
import type { Transport } from './transport.ts';
import { UnreadableEventError, type WatchEvent, watch } from './watch-stream.ts';

/** Bounds of the delay between retries, in milliseconds: short, so that little time is lost once the API server is back. */
const retryDelays = { initial: limits.kubernetes.initialWatchBackOff, max: limits.kubernetes.maxWatchBackOff };

const { minWatchDuration } = limits.kubernetes;

/** Listener for the state of a reflector. */
export interface ReflectorListener {
  /** Called when the cache is complete and changes will follow. */
  onListed(): void;
  /** Called when the server accepts a watch. */
  onHealthy(): void;
  /** Receives a failure, and the number of failures in a row. The reflector retries once the promise is fulfilled. */
  onFailure(error: ReflectorError, failures: number, served: ServedKind | undefined): Promise<void>;
}

/** Failure after which a reflector retries. */
export type ReflectorError = ApiError | UnreadableEventError | KindMissingError;

/** Options of a reflector. */
export interface ReflectorOptions {
  kind: ResourceKind;
  /** Missing for all namespaces. */
  namespace: string | undefined;
  transport: Transport;
  discovery: Discovery;
  cache: KindCache;
  listener: ReflectorListener;
  /** Duration of a watch, in milliseconds. */
  watchDuration: number;
}

/** The API server doesn't serve the kind. */
export class KindMissingError extends Error {
  override readonly name = 'KindMissingError';
}

/** Keeps the cache of a kind in sync with the API server: lists once, then watches. */
export class Reflector {
  readonly #options: ReflectorOptions;
  readonly #stopping = new AbortController();
  #running: Promise<void> | undefined;
  /** Resource version from which to watch; missing when everything has to be listed. */
  #version: string | undefined;
  #served: ServedKind | undefined;
  #failures = 0;
  #expiredLists = 0;
  /** Time at which the current watch was accepted. */
  #openedAt = Number.POSITIVE_INFINITY;

  constructor(options: ReflectorOptions) {
    this.#options = options;
  }

  /** Kind as the API server serves it, once that is known. */
  get served(): ServedKind | undefined {
    return this.#served;
  }

  start(): void {
    this.#running ??= this.#run();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      let delay = 0;
      try {
        delay = await this.#listAndWatch();
      } catch (error) {
        if (signal.aborted) return;
        delay = await this.#fail(error);
      }
      await pause(delay, signal);
    }
  }

  /** Lists if need be and watches once. Returns the delay before the next watch, in milliseconds. */
  async #listAndWatch(): Promise<number> {
    const { kind, discovery } = this.#options;
    const { signal } = this.#stopping;
    const served = await discovery.find(kind, signal);
    this.#served = served ?? this.#served;
    if (!served) throw new KindMissingError(`${kind.kind} (${kind.apiVersion}) isn't served`);
    if (this.#version === undefined) await this.#list(served);
    await this.#watch(served);
    this.#countFailure();
    return this.#failures > 1 ? backOffDelay(this.#failures, retryDelays) : 0;
  }

  async #list(served: ServedKind): Promise<void> {
    const { transport, namespace, cache, listener } = this.#options;
    const { signal } = this.#stopping;
    const listing = cache.startListing(served.namespaced ? namespace : undefined);
    try {
      const request = { served, namespace, whole: this.#expiredLists > 1, signal };
      const version = await listPages(transport, request, (items) => visitAll(items, (item) => listing.add(item)));
      signal.throwIfAborted();
      await listing.end();
      this.#version = version;
    } catch (error) {
      listing.cancel();
      if (error instanceof ApiError && error.reason === 'Gone') this.#expiredLists += 1;
      throw error instanceof TypeError ? new UnreadableEventError(error.message, { cause: error }) : error;
    }
    this.#expiredLists = 0;
    this.#failures = 0;
    listener.onListed();
  }

  async #watch(served: ServedKind): Promise<void> {
    const { transport, namespace, listener, watchDuration } = this.#options;
    const resourceVersion = this.#version ?? '';
    const { signal } = this.#stopping;
    // With jitter, so that watches that began together don't end together.
    const duration = watchDuration * (0.8 + Math.random() / 5);
    await watch(
      transport,
      { served, namespace, resourceVersion, duration, signal },
      {
        onOpen: () => {
          this.#openedAt = performance.now();
          listener.onHealthy();
        },
        onEvent: (event) => this.#take(event),
      },
    );
  }

  #take({ type, object }: WatchEvent): void {
    const { cache } = this.#options;
    try {
      if (type === 'DELETED') cache.remove(object);
      else if (type !== 'BOOKMARK') cache.put(object);
    } catch (cause) {
      if (!(cause instanceof TypeError)) throw cause;
      throw new UnreadableEventError(cause.message, { cause });
    }
    const { metadata } = object;
    if (isJsonObject(metadata) && typeof metadata.resourceVersion === 'string')
      this.#version = metadata.resourceVersion;
  }

  /** Counts the end of a watch. Starts again at one after a watch of sufficient duration. */
  #countFailure(): void {
    const lasted = performance.now() - this.#openedAt >= minWatchDuration;
    this.#openedAt = Number.POSITIVE_INFINITY;
    this.#failures = lasted ? 1 : this.#failures + 1;
  }

  /** Reports a failure. Returns the delay before the next attempt, in milliseconds. */
  async #fail(error: unknown): Promise<number> {
    const { discovery, kind, listener } = this.#options;
    // Any other error is an internal one, which must not end the watch permanently.
    const known =
      error instanceof ApiError || error instanceof UnreadableEventError || error instanceof KindMissingError;
    const failure = known ? error : new UnreadableEventError(String(error), { cause: error });
    this.#countFailure();
    const reason = failure instanceof ApiError ? failure.reason : undefined;
    if (reason === 'NotFound') discovery.forget(kind.apiVersion);
    if (failure instanceof KindMissingError) this.#version = undefined;
    // The version is too old, events after it are lost, or the server doesn't accept it.
    const lost = failure instanceof UnreadableEventError || reason === 'Gone' || reason === 'Invalid';
    if (lost) this.#version = undefined;
    await listener.onFailure(failure, this.#failures, this.#served);
    if (reason === 'Gone' && this.#failures === 1) return 0;
    return backOffDelay(this.#failures, retryDelays);
  }
}
