import { create, toBinary } from '@bufbuild/protobuf';
import { type WatchPluginsResponse, WatchPluginsResponseSchema } from '@kplug/protocol';
import { limits } from '../limits/limits.ts';
import { LoopShare, Pace } from '../queue/slices.ts';
import type { Instance } from './instance.ts';
import { instanceMessage, publicInstanceMessage } from './instance-message.ts';
import { matcherOf, type PluginFilter } from './plugin-list.ts';
import type { Registry } from './registry.ts';
import { WatchBacklog } from './watch-backlog.ts';
import { WatchRefused, WatchSlots } from './watch-slots.ts';

const { maxBacklogSize, maxTotalBacklogSize, maxWatchDelay } = limits.watches;

/** Reader of a watch. */
export interface WatchReader {
  /** Host of the reader, by which watches are counted. */
  peer: string;
  /** True for other plugins, which get no text of failed connections. Default: all details, for the operator's users. */
  isPublic?: boolean;
  /** Ends the watch when it is aborted. */
  signal: AbortSignal;
  /** Called when the watch ends because its reader lags. The reader may never ask for the next response. */
  onCut?: (error: WatchRefused) => void;
}

/**
 * All watches of instances, on all ports. Their number is limited, by peer and in all, and so are the changes that wait for readers: by watch
 * and in all. The watch of a reader that lags is ended, and the changes that wait for it are dropped immediately.
 */
export class PluginWatches {
  /** Places for watches, also for those of other services. */
  readonly slots = new WatchSlots();
  readonly #registry: Registry;
  readonly #open = new Set<Watch>();
  /** Share of the event loop of all readers, as each would read all that waits for it without a pause. */
  readonly #share = new LoopShare();
  #timer: NodeJS.Timeout | undefined;
  #unsubscribe: (() => void) | undefined;

  constructor(registry: Registry) {
    this.#registry = registry;
  }

  /** Number of open watches. */
  get size(): number {
    return this.#open.size;
  }

  /** Size of the changes that wait for readers, in bytes. */
  get waitingSize(): number {
    let size = 0;
    for (const { backlog } of this.#open) size += backlog.size;
    return size;
  }

  /**
   * Opens a watch: it yields the known instances, `synced`, and then each change, at the pace of the reader, until the signal is aborted. An
   * instance that changes before `synced` may be yielded twice, the newer state last. Throws `WatchRefused` when there are too many; the
   * watch itself throws it when its reader lags.
   */
  open(filter: PluginFilter, reader: WatchReader): AsyncGenerator<WatchPluginsResponse> {
    const watch = new Watch(filter, reader, this.slots.take(reader.peer));
    this.#open.add(watch);
    const close = () => this.#close(watch);
    if (reader.signal.aborted) close();
    else reader.signal.addEventListener('abort', close, { once: true });
    this.#unsubscribe ??= this.#registry.subscribe(({ instance }) => this.#onChange(instance));
    this.#timer ??= setInterval(() => this.#checkDelays(), maxWatchDelay / 4).unref();
    return this.#read(watch);
  }

  async *#read(watch: Watch): AsyncGenerator<WatchPluginsResponse> {
    const { signal } = watch.reader;
    try {
      const pace = new Pace();
      for (const instance of this.#registry.instances()) {
        if (signal.aborted) return;
        if (watch.matches(instance)) yield* watch.handOver(messageOf(instance, watch.reader));
        if (pace.isOver()) await pace.pause();
      }
      yield* watch.handOver(synced);
      while (!signal.aborted) {
        if (this.#share.isUsed()) await new Promise((resolve) => setImmediate(resolve));
        const next = watch.backlog.take();
        if (next) yield* watch.handOver(next);
        else await watch.change();
      }
    } finally {
      this.#close(watch);
    }
  }

  #onChange(instance: Instance): void {
    if (instance.registration.attachment !== undefined) return;
    // Watches of one kind share one message, so that it is encoded once and held once.
    const shared = new Map<boolean, { message: WatchPluginsResponse; size: number }>();
    for (const watch of this.#open) {
      if (watch.isCut || !watch.matches(instance)) continue;
      const { isPublic = false } = watch.reader;
      let known = shared.get(isPublic);
      if (!known) {
        const message = messageOf(instance, watch.reader);
        known = { message, size: toBinary(WatchPluginsResponseSchema, message).length };
        shared.set(isPublic, known);
      }
      watch.backlog.add(known.message, known.size);
      if (watch.backlog.isFull) watch.cut(`more than ${describeBacklog()} wait for it`);
      else watch.wake();
    }
    if (shared.size === 0) return;
    while (this.waitingSize > maxTotalBacklogSize) this.#cutSlowest();
  }

  #cutSlowest(): void {
    let slowest: Watch | undefined;
    for (const watch of this.#open) if (watch.backlog.size > (slowest?.backlog.size ?? 0)) slowest = watch;
    slowest?.cut(`the changes that wait for all readers exceed ${maxTotalBacklogSize / 2 ** 20} MiB, and it lags most`);
  }

  #checkDelays(): void {
    const oldest = performance.now() - maxWatchDelay;
    for (const watch of this.#open) {
      if (watch.handedOverAt !== undefined && watch.handedOverAt < oldest)
        watch.cut(`it has read nothing for ${maxWatchDelay / 1_000} s`);
    }
  }

  #close(watch: Watch): void {
    if (!this.#open.delete(watch)) return;
    watch.release();
    watch.backlog.clear();
    watch.wake();
    if (this.#open.size > 0) return;
    this.#unsubscribe?.();
    this.#unsubscribe = undefined;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}

class Watch {
  readonly reader: WatchReader;
  readonly matches: (instance: Instance) => boolean;
  readonly release: () => void;
  readonly backlog = new WatchBacklog<WatchPluginsResponse>();
  /** Time at which the response that the reader has not taken yet was handed over; `undefined` without one. */
  handedOverAt: number | undefined;
  #error: WatchRefused | undefined;
  #wake: () => void = () => undefined;

  /** @param release gives the place of the watch back. */
  constructor(filter: PluginFilter, reader: WatchReader, release: () => void) {
    this.release = release;
    this.reader = reader;
    this.matches = matcherOf(filter);
  }

  get isCut(): boolean {
    return this.#error !== undefined;
  }

  /** Yields a response. Throws `WatchRefused` if the watch has been cut. */
  *handOver(response: WatchPluginsResponse): Generator<WatchPluginsResponse> {
    if (this.#error) throw this.#error;
    this.handedOverAt = performance.now();
    yield response;
    this.handedOverAt = undefined;
    if (this.#error) throw this.#error;
  }

  /** Waits for the next change, or for the end of the watch. */
  async change(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
    if (this.#error) throw this.#error;
  }

  wake(): void {
    this.#wake();
  }

  /** Ends the watch of a reader that lags. */
  cut(reason: string): void {
    if (this.#error) return;
    this.#error = new WatchRefused(
      `the reader of the watch lags: ${reason}; read faster, or watch fewer plugins; then list and watch again`,
    );
    this.backlog.clear();
    this.wake();
    this.reader.onCut?.(this.#error);
  }
}

const synced = Object.freeze(create(WatchPluginsResponseSchema, { event: { case: 'synced', value: {} } }));

/** Returns the state of an instance as a frozen message, which is encoded once for all readers. */
function messageOf(instance: Instance, { isPublic = false }: WatchReader): WatchPluginsResponse {
  return Object.freeze(
    create(WatchPluginsResponseSchema, {
      event: { case: 'instance', value: isPublic ? publicInstanceMessage(instance) : instanceMessage(instance) },
    }),
  );
}

function describeBacklog(): string {
  return `${limits.watches.maxBacklog.toLocaleString('en')} changes or ${maxBacklogSize / 2 ** 20} MiB`;
}
