import {
  type ClusterServices,
  type FollowOptions,
  type JsonObject,
  KplugError,
  type OwnedContent,
  type OwnedWrite,
  type OwnedWriteOptions,
  parseKey,
  type Resource,
  type ResourceKey,
  type ResourceKind,
  type ResourceListener,
  type Resources,
  type WriteOptions,
  type WriteResult,
} from '@kplug/controller';
import type { MemoryResources } from '@kplug/controller/memory';
import type { WriteKind } from './history.ts';
import { KindWatch } from './kind-watch.ts';
import { type Stage, sleep } from './stage.ts';
import type { WriteFate, WriteFaults } from './write-faults.ts';

/** Dependencies of a view. */
export interface ClusterViewOptions {
  /** Name of the controller. */
  controller: string;
  stage: Stage;
  store: MemoryResources;
  faults: WriteFaults;
  onClosed: () => void;
}

/** Time that a slow request or answer takes, in milliseconds. */
const slowness = 3_000;

/**
 * Resources as one controller sees them: a cache that lags behind the store, and writes that take time and may fail. After `depose`, no
 * write reaches the store.
 */
export class ClusterView implements Resources {
  readonly services: ClusterServices;
  readonly #options: ClusterViewOptions;
  readonly #watches = new Map<string, KindWatch>();
  readonly #writing = new Map<ResourceKey, Promise<unknown>>();
  #isClosed = false;
  #isDeposed = false;

  constructor(options: ClusterViewOptions) {
    this.#options = options;
    const { controller, stage } = options;
    this.services = {
      events: {
        record: (key, { reason, message }) => stage.happened({ type: 'event', controller, key, reason, message }),
      },
    };
  }

  /** Revokes the right to write, as another controller leads. */
  depose(): void {
    this.#isDeposed = true;
  }

  /** Returns the watch of a kind, if it is followed. */
  watch(kind: ResourceKind): KindWatch | undefined {
    return this.#watches.get(nameOf(kind));
  }

  /** Receives a change of the store. */
  push(resource: Resource, gone: boolean): void {
    this.watch(resource)?.push(resource, gone);
  }

  async follow(kind: ResourceKind, listener: ResourceListener, { signal }: FollowOptions = {}): Promise<void> {
    this.#refuseIfClosed();
    signal?.throwIfAborted();
    const { controller, stage, store } = this.#options;
    const known = this.watch(kind);
    const watch =
      known ??
      new KindWatch(
        (label) => stage.step(`${controller}: ${label} of ${kind.kind}`),
        () => store.list(kind),
        (change) => stage.happened({ type: 'change', controller, change }),
      );
    this.#watches.set(nameOf(kind), watch);
    watch.add(listener);
    signal?.addEventListener('abort', () => watch.remove(listener), { once: true });
    await watch.listed;
  }

  problem(): undefined {
    return undefined;
  }

  get(key: ResourceKey): Resource | undefined {
    return this.watch(parseKey(key))?.get(key);
  }

  list(kind: ResourceKind): Iterable<Resource> {
    return this.watch(kind)?.values() ?? [];
  }

  applyStatus(key: ResourceKey, status: JsonObject, options: WriteOptions): Promise<WriteResult> {
    return this.#write('status', key, options.fieldManager, async () => {
      const isRefused = this.#options.faults.refusesAnswers && 'rows' in status;
      if (isRefused) throw new KplugError('InvalidResponse', 'the schema has no field .status.rows');
      return this.#options.store.applyStatus(key, status, options);
    });
  }

  addFinalizer(key: ResourceKey, finalizer: string, options: WriteOptions): Promise<WriteResult> {
    return this.#write('add finalizer', key, options.fieldManager, () =>
      this.#options.store.addFinalizer(key, finalizer, options),
    );
  }

  removeFinalizer(key: ResourceKey, finalizer: string, options: WriteOptions): Promise<WriteResult> {
    return this.#write('remove finalizer', key, options.fieldManager, () =>
      this.#options.store.removeFinalizer(key, finalizer, options),
    );
  }

  async applyOwned(key: ResourceKey, content: OwnedContent, options: OwnedWriteOptions): Promise<OwnedWrite> {
    let resource: Resource | undefined;
    const result = await this.#write('apply dependent', key, options.fieldManager, async () => {
      const write = await this.#options.store.applyOwned(key, content, options);
      ({ resource } = write);
      return write.result;
    });
    return { result, ...(resource && { resource }) };
  }

  removeOwned(key: ResourceKey, options: OwnedWriteOptions): Promise<WriteResult> {
    return this.#write('remove dependent', key, options.fieldManager, () =>
      this.#options.store.removeOwned(key, options),
    );
  }

  releaseOwned(key: ResourceKey, options: OwnedWriteOptions): Promise<WriteResult> {
    return this.#write('remove dependent', key, options.fieldManager, () =>
      this.#options.store.releaseOwned(key, options),
    );
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    for (const watch of this.#watches.values()) watch.close();
    await Promise.allSettled(this.#writing.values());
    this.#options.onClosed();
  }

  /** Makes the writes of a resource one after the other. */
  async #write(
    kind: WriteKind,
    key: ResourceKey,
    fieldManager: string,
    make: () => Promise<WriteResult>,
  ): Promise<WriteResult> {
    this.#refuseIfClosed();
    const write = () => this.#writeNow(kind, key, fieldManager, make);
    const former = this.#writing.get(key);
    const writing = former ? former.then(write, write) : write();
    this.#writing.set(key, writing);
    try {
      return await writing;
    } catch (error) {
      const { controller, stage } = this.#options;
      stage.happened({
        type: 'write failed',
        controller,
        kind,
        key,
        error: error instanceof Error ? error.message : '',
      });
      throw error;
    } finally {
      if (this.#writing.get(key) === writing) this.#writing.delete(key);
    }
  }

  async #writeNow(
    kind: WriteKind,
    key: ResourceKey,
    fieldManager: string,
    make: () => Promise<WriteResult>,
  ): Promise<WriteResult> {
    const { controller, stage, store, faults } = this.#options;
    const fate: WriteFate | undefined = faults.next(kind);
    if (fate === 'slow') await sleep(slowness);
    await stage.step(`${controller}: ${kind} of ${key} arrives`);
    if (this.#isDeposed) throw new KplugError('LeadershipLost', 'another controller leads');
    if (fate === 'refused') throw new KplugError('StorageFailed', `${kind} of ${key} was refused`);
    const before = store.get(key);
    const pending = make();
    // The store makes the write synchronously.
    const after = store.get(key);
    const result = await pending;
    stage.happened({
      type: 'write',
      write: { controller, kind, key, fieldManager, before, after, result, isAnswered: fate !== 'lost' },
    });
    if (fate === 'lost') throw new KplugError('StorageFailed', `the answer to ${kind} of ${key} was lost`);
    if (fate === 'late') await sleep(slowness);
    await stage.step(`${controller}: answer to ${kind} of ${key}`);
    if (after && result === 'written') this.watch(after)?.putWritten(after);
    if (!after && before && kind === 'remove finalizer') this.watch(before)?.putLast(withoutFinalizers(before));
    return result;
  }

  #refuseIfClosed(): void {
    if (this.#isDeposed) throw new KplugError('LeadershipLost', 'another controller leads');
    if (this.#isClosed) throw new KplugError('Stopped', 'the resources were closed');
  }
}

function withoutFinalizers(resource: Resource): Resource {
  const { finalizers: _, ...metadata } = resource.metadata;
  return { ...resource, metadata };
}

function nameOf({ apiVersion, kind }: ResourceKind): string {
  return `${apiVersion}/${kind}`;
}
