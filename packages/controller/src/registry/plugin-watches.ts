import { create, toBinary } from '@bufbuild/protobuf';
import { type WatchPluginsResponse, WatchPluginsResponseSchema } from '@kplug/protocol';
import { limits } from '../limits/limits.ts';
import { LoopShare, Pace } from '../queue/slices.ts';
import type { Instance } from './instance.ts';
import { instanceMessage, publicInstanceMessage } from './instance-message.ts';
import { OpenWatches } from './open-watches.ts';
import { matcherOf, type PluginFilter } from './plugin-list.ts';
import type { Registry } from './registry.ts';
import { Watch, type WatchReader } from './watch.ts';
import { WatchBacklog } from './watch-backlog.ts';

const { maxWatches, maxWatchesPerPeer, maxBacklogSize, maxTotalBacklogSize } = limits.watches;

/**
 * All watches of instances, on all ports. Their number is limited, by peer and in all, and so are the changes that wait for readers: by watch
 * and in all. The watch of a reader that lags is ended, and the changes that wait for it are dropped immediately.
 */
export class PluginWatches {
  readonly #registry: Registry;
  readonly #open: OpenWatches<PluginWatch>;
  /** Share of the event loop of all readers, as each would read all that waits for it without a pause. */
  readonly #share = new LoopShare();

  constructor(registry: Registry) {
    this.#registry = registry;
    this.#open = new OpenWatches({
      max: maxWatches,
      maxPerPeer: maxWatchesPerPeer,
      advice: ', or list instead',
      begin: () => registry.subscribe(({ instance }) => this.#onChange(instance)),
    });
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
    const watch = new PluginWatch(filter, reader);
    this.#open.add(watch);
    return this.#read(watch);
  }

  async *#read(watch: PluginWatch): AsyncGenerator<WatchPluginsResponse> {
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
      this.#open.close(watch);
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
    let slowest: PluginWatch | undefined;
    for (const watch of this.#open) if (watch.backlog.size > (slowest?.backlog.size ?? 0)) slowest = watch;
    slowest?.cut(`the changes that wait for all readers exceed ${maxTotalBacklogSize / 2 ** 20} MiB, and it lags most`);
  }
}

class PluginWatch extends Watch<WatchPluginsResponse> {
  readonly matches: (instance: Instance) => boolean;
  readonly backlog = new WatchBacklog<WatchPluginsResponse>();

  constructor(filter: PluginFilter, reader: WatchReader) {
    super(reader);
    this.matches = matcherOf(filter);
  }

  override clear(): void {
    this.backlog.clear();
  }

  override cut(reason: string): void {
    super.cut(`${reason}; read faster, or watch fewer plugins; then list and watch again`);
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
