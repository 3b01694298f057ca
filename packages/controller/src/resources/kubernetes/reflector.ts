import { setTimeout as sleep } from 'node:timers/promises';
import { backOffDelay } from '../../queue/back-off.ts';
import { isJsonObject } from '../json.ts';
import type { ResourceKind } from '../resource.ts';
import { ApiError } from './api-error.ts';
import type { Discovery, ServedKind } from './discovery.ts';
import type { KindCache } from './kind-cache.ts';
import { listPages } from './list-pages.ts';
import type { Transport } from './transport.ts';
import { UnreadableEventError, type WatchEvent, watch } from './watch-stream.ts';

/** Waits after failures, in milliseconds: soon again after a cut, and never long once the API server is back. */
const waits = { initial: 200, max: 5_000 };

/** A watch that ends sooner than this wasn't worth its while, in milliseconds. */
const shortestWatch = 1_000;

/** How a reflector fares. */
export interface ReflectorListener {
  /** The cache has everything, and changes will follow. */
  onListed(): void;
  /** The server answers as it should. */
  onHealthy(): void;
  /** Something failed, for so many times in a row. */
  onFailure(error: ReflectorError, failures: number, served: ServedKind | undefined): void;
}

/** What stops a reflector for a moment. */
export type ReflectorError = ApiError | UnreadableEventError | KindMissingError;

/** What a reflector needs. */
export interface ReflectorOptions {
  kind: ResourceKind;
  /** Missing for all namespaces. */
  namespace: string | undefined;
  transport: Transport;
  discovery: Discovery;
  cache: KindCache;
  listener: ReflectorListener;
  /** How long a watch lasts, in milliseconds. */
  watchDuration: number;
}

/** The API server serves no such kind. */
export class KindMissingError extends Error {
  override readonly name = 'KindMissingError';
}

/** Keeps the cache of a kind as the API server has it, for as long as it runs: lists once, then watches. */
export class Reflector {
  readonly #options: ReflectorOptions;
  readonly #stopping = new AbortController();
  #running: Promise<void> | undefined;
  /** The version to go on from; missing when everything has to be listed. */
  #version: string | undefined;
  #served: ServedKind | undefined;
  #failures = 0;
  #expiredLists = 0;
  /** When the watch under way was answered. */
  #openedAt = Number.POSITIVE_INFINITY;

  constructor(options: ReflectorOptions) {
    this.#options = options;
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
      let wait = 0;
      try {
        wait = await this.#turn();
      } catch (error) {
        if (signal.aborted) return;
        wait = this.#fail(error);
      }
      // Being stopped is no failure.
      await sleep(wait, undefined, { signal }).catch(() => undefined);
    }
  }

  /** Lists if need be and watches once. Returns how long to wait before the next turn. */
  async #turn(): Promise<number> {
    const { kind, discovery } = this.#options;
    const { signal } = this.#stopping;
    const served = await discovery.find(kind, signal);
    this.#served = served ?? this.#served;
    if (!served) throw new KindMissingError(`${kind.kind} (${kind.apiVersion}) isn't served`);
    if (this.#version === undefined) await this.#list(served);
    await this.#watch(served);
    this.#countFailure();
    return this.#failures > 1 ? backOffDelay(this.#failures, waits) : 0;
  }

  async #list(served: ServedKind): Promise<void> {
    const { transport, namespace, cache, listener } = this.#options;
    const { signal } = this.#stopping;
    const listing = cache.startListing(served.namespaced ? namespace : undefined);
    try {
      const request = { served, namespace, whole: this.#expiredLists > 1, signal };
      const version = await listPages(transport, request, (items) => {
        for (const item of items) listing.add(item);
      });
      listing.end();
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
    // Spread, so that watches that began together don't end together.
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

  /** Counts a turn that came to its end. After a watch that lasted it is the first one again. */
  #countFailure(): void {
    const lasted = performance.now() - this.#openedAt >= shortestWatch;
    this.#openedAt = Number.POSITIVE_INFINITY;
    this.#failures = lasted ? 1 : this.#failures + 1;
  }

  /** Returns how long to wait before the next turn. */
  #fail(error: unknown): number {
    const { discovery, kind, listener } = this.#options;
    // What isn't known to go wrong is a mistake of ours, and must not stop the watch for good.
    const known =
      error instanceof ApiError || error instanceof UnreadableEventError || error instanceof KindMissingError;
    const failure = known ? error : new UnreadableEventError(String(error), { cause: error });
    this.#countFailure();
    const reason = failure instanceof ApiError ? failure.reason : undefined;
    if (reason === 'NotFound') discovery.forget(kind.apiVersion);
    if (failure instanceof KindMissingError) this.#version = undefined;
    // The version is too old, or what came after it is lost, or the server can't make sense of it.
    const lost = failure instanceof UnreadableEventError || reason === 'Gone' || reason === 'Invalid';
    if (lost) this.#version = undefined;
    listener.onFailure(failure, this.#failures, this.#served);
    if (reason === 'Gone' && this.#failures === 1) return 0;
    return backOffDelay(this.#failures, waits);
  }
}
