// resources/kubernetes/: resources of a Kubernetes cluster, and the services of the cluster.
import type { KubeConfig } from '@kubernetes/client-node';
import type { Logger } from 'pino';
import { KplugError } from '../../errors.ts';
import { Listeners } from '../listeners.ts';
import type {
  FollowOptions,
  KindProblem,
  OwnedContent,
  OwnedWrite,
  OwnedWriteOptions,
  ProblemListener,
  ResourceListener,
  Resources,
  WriteOptions,
  WriteResult,
} from '../port.ts';
import {
  describeKey,
  type JsonObject,
  keyOf,
  parseKey,
  type Resource,
  type ResourceKey,
  type ResourceKind,
} from '../resource.ts';
import { ApiError } from './api-error.ts';
import { Discovery, type ServedKind } from './discovery.ts';
import { addFinalizer, removeFinalizer } from './finalizer-writer.ts';
import { KindFollower } from './kind-follower.ts';
import { KubernetesServices, type Place } from './kubernetes-services.ts';
import { applyOwned, type OwnedTarget, releaseOwned, removeOwned } from './owned-writer.ts';
import { StatusWriter } from './status-writer.ts';
import type { Transport } from './transport.ts';
import { WriteTarget } from './write-target.ts';

/** Parts of the adapter. */
export interface KubernetesParts {
  kubeConfig: KubeConfig;
  transport: Transport;
  /** Empty for all namespaces. */
  namespaces: readonly string[];
  logger: Logger;
  /** Duration of a watch, in milliseconds. */
  watchDuration: number;
  place: Place;
}

type Change = (target: WriteTarget) => Promise<WriteResult>;

/** Resources of a Kubernetes cluster. Made by `openKubernetes`. */
export class KubernetesResources implements Resources {
  readonly services: KubernetesServices;
  readonly #parts: KubernetesParts;
  readonly #discovery: Discovery;
  readonly #listeners = new Listeners();
  readonly #followers = new Map<string, KindFollower>();
  readonly #problemListeners = new Map<KindFollower, Set<ProblemListener>>();
  /** Followers without listeners that are stopping. */
  readonly #stopping = new Set<Promise<void>>();
  readonly #statuses = new StatusWriter();
  readonly #writing = new Map<ResourceKey, Promise<void>>();
  #closed = false;

  constructor(parts: KubernetesParts) {
    this.#parts = parts;
    this.#discovery = new Discovery(parts.transport);
    const shared = { ...parts, discovery: this.#discovery };
    this.services = new KubernetesServices(parts.place, shared, (key) => this.get(key));
  }

  async follow(kind: ResourceKind, listener: ResourceListener, options: FollowOptions = {}): Promise<void> {
    this.#refuseIfClosed();
    options.signal?.throwIfAborted();
    const name = nameOf(kind);
    const known = this.#followers.get(name);
    const announced = this.#listeners.add(kind, listener, known?.cache.values() ?? [], (key) => this.get(key));
    const follower = known ?? this.#startFollowing(kind, name);
    const { onProblem, signal } = options;
    const problemListeners = this.#problemListeners.get(follower);
    if (onProblem) problemListeners?.add(onProblem);
    const unfollow = () => {
      if (onProblem) problemListeners?.delete(onProblem);
      if (!this.#listeners.remove(kind, listener)) this.#stopFollowing(follower, name);
    };
    signal?.addEventListener('abort', unfollow, { once: true });
    await Promise.all([follower.known, announced]);
  }

  problem(kind: ResourceKind): KindProblem | undefined {
    return this.#followers.get(nameOf(kind))?.problem;
  }

  isNamespaced(kind: ResourceKind): boolean | undefined {
    return this.#followers.get(nameOf(kind))?.isNamespaced;
  }

  followsNamespace(namespace: string): boolean {
    const { namespaces } = this.#parts;
    return namespaces.length === 0 || namespaces.includes(namespace);
  }

  get(key: ResourceKey): Resource | undefined {
    const { namespace, name, ...kind } = parseKey(key);
    return this.#followers.get(nameOf(kind))?.cache.get(namespace, name);
  }

  *list(kind: ResourceKind): Iterable<Resource> {
    const follower = this.#followers.get(nameOf(kind));
    if (follower) yield* follower.cache.values();
  }

  applyStatus(key: ResourceKey, status: JsonObject, options: WriteOptions): Promise<WriteResult> {
    return this.#write(key, options, (target) => this.#statuses.apply(target, status, options));
  }

  addFinalizer(key: ResourceKey, finalizer: string, options: WriteOptions): Promise<WriteResult> {
    return this.#write(key, options, (target) => addFinalizer(target, finalizer, options));
  }

  removeFinalizer(key: ResourceKey, finalizer: string, options: WriteOptions): Promise<WriteResult> {
    return this.#write(key, options, (target) => removeFinalizer(target, finalizer, options));
  }

  applyOwned(key: ResourceKey, content: OwnedContent, options: OwnedWriteOptions): Promise<OwnedWrite> {
    return this.#inTurn(key, options.signal, async () => applyOwned(await this.#ownedTarget(key), content, options));
  }

  removeOwned(key: ResourceKey, options: OwnedWriteOptions): Promise<WriteResult> {
    return this.#inTurn(key, options.signal, async () => removeOwned(await this.#ownedTarget(key), options));
  }

  releaseOwned(key: ResourceKey, options: OwnedWriteOptions): Promise<WriteResult> {
    return this.#inTurn(key, options.signal, async () => releaseOwned(await this.#ownedTarget(key), options));
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#listeners.clear();
    this.#parts.transport.drain();
    await Promise.all([...this.#stopping, ...[...this.#followers.values()].map((follower) => follower.stop())]);
    await Promise.all(this.#writing.values());
    await this.services.close();
    await this.#parts.transport.close();
  }

  #startFollowing(kind: ResourceKind, name: string): KindFollower {
    const { transport, namespaces, logger, watchDuration } = this.#parts;
    const log = logger.child({ kind: kind.kind, apiVersion: kind.apiVersion });
    const problemListeners = new Set<ProblemListener>();
    const follower = new KindFollower({
      kind,
      namespaces,
      transport,
      discovery: this.#discovery,
      watchDuration,
      onChange: (change) => this.#listeners.notify(change),
      isBeingWritten: (resource) => this.#writing.has(keyOf(resource)),
      onProblem: (problem) => {
        if (problem) log.warn({ reason: problem.reason }, problem.message);
        else log.info(`${kind.kind} (${kind.apiVersion}) can be read again`);
        for (const listener of problemListeners) listener(problem);
      },
      onUnreadable: (error, count) => {
        log.error({ err: error, count }, `the API server sent ${error.message}; listing everything again`);
      },
    });
    this.#problemListeners.set(follower, problemListeners);
    this.#followers.set(name, follower);
    return follower;
  }

  /** Stops following a kind without listeners. */
  #stopFollowing(follower: KindFollower, name: string): void {
    this.#problemListeners.delete(follower);
    if (this.#followers.get(name) === follower) this.#followers.delete(name);
    const stopped = follower.stop().finally(() => this.#stopping.delete(stopped));
    this.#stopping.add(stopped);
  }

  #write(key: ResourceKey, options: WriteOptions, change: Change): Promise<WriteResult> {
    return this.#inTurn(key, options.signal, () => this.#writeNow(key, options, change));
  }

  /** Makes the writes of a resource one after the other, as each depends on the version that the previous one created. */
  async #inTurn<T>(key: ResourceKey, signal: AbortSignal | undefined, write: () => Promise<T>): Promise<T> {
    this.#refuseIfClosed();
    signal?.throwIfAborted();
    const former = this.#writing.get(key);
    const writing = former ? former.then(write) : write();
    // A failure doesn't affect the next write.
    const ended = writing.then(ignore, ignore);
    this.#writing.set(key, ended);
    try {
      return await writing;
    } finally {
      if (this.#writing.get(key) === ended) this.#writing.delete(key);
    }
  }

  async #writeNow(key: ResourceKey, { uid, signal }: WriteOptions, change: Change): Promise<WriteResult> {
    signal?.throwIfAborted();
    const { namespace, name, ...kind } = parseKey(key);
    const { cache } = this.#followers.get(nameOf(kind)) ?? {};
    const resource = cache?.get(namespace, name);
    if (!cache || resource?.metadata.uid !== uid) return 'gone';
    const served = await this.#findServed(kind, signal);
    if (!served) return 'gone';
    return change(new WriteTarget(key, resource, { cache, served, transport: this.#parts.transport }));
  }

  async #ownedTarget(key: ResourceKey): Promise<OwnedTarget> {
    const { apiVersion, kind } = parseKey(key);
    const name = nameOf({ apiVersion, kind });
    const { cache, problem } = this.#followers.get(name) ?? {};
    const served = await this.#findServed({ apiVersion, kind }, undefined);
    if (cache && served && !problem) return { key, cache, served, transport: this.#parts.transport };
    const reason = problem?.message ?? (served ? 'its kind is not followed' : 'the cluster has no such kind');
    const subject = `${describeKey(key)} (${apiVersion})`;
    throw new KplugError('StorageFailed', `${subject} can't be written: ${reason}`);
  }

  async #findServed(kind: ResourceKind, signal: AbortSignal | undefined): Promise<ServedKind | undefined> {
    try {
      return await this.#discovery.find(kind, signal);
    } catch (cause) {
      if (!(cause instanceof ApiError)) throw cause;
      const message = `The API server can't be asked for the kind ${nameOf(kind)}: ${cause.message}`;
      throw new KplugError('StorageFailed', message, { cause });
    }
  }

  #refuseIfClosed(): void {
    if (this.#closed) throw new KplugError('Stopped', 'Resources are no longer followed or written: they were closed.');
  }
}

function nameOf({ apiVersion, kind }: ResourceKind): string {
  return `${apiVersion}/${kind}`;
}

function ignore(): void {}
