import { KplugError, messageOf } from '../../errors.ts';
import { limits } from '../../limits/limits.ts';
import type { Manifest } from '../check-manifest.ts';
import { isJsonObject } from '../json.ts';
import { Listeners } from '../listeners.ts';
import type {
  FollowOptions,
  KindProblem,
  OwnedContent,
  OwnedWrite,
  OwnedWriteOptions,
  ResourceListener,
  Resources,
  WriteOptions,
  WriteResult,
} from '../port.ts';
import {
  describeKey,
  describeReference,
  formatKey,
  groupOf,
  isSameKind,
  type JsonObject,
  keyOf,
  parseKey,
  type Resource,
  type ResourceKey,
  type ResourceKind,
  type ResourceReference,
} from '../resource.ts';
import { ApiError } from './api-error.ts';
import { objectPath } from './api-path.ts';
import { applyRequest } from './apply-request.ts';
import { Discovery, type ServedKind } from './discovery.ts';
import { DryRunTransport } from './dry-run-transport.ts';
import { addFinalizer, removeFinalizer } from './finalizer-writer.ts';
import { KindCache } from './kind-cache.ts';
import { listPages } from './list-pages.ts';
import { type KubeConfigChoice, loadKubeConfig } from './load-kube-config.ts';
import { missingRule } from './missing-rule.ts';
import { applyOwned, type OwnedTarget, releaseOwned, removeOwned } from './owned-writer.ts';
import { StatusWriter } from './status-writer.ts';
import { WriteTarget } from './write-target.ts';

/** Kind that was read once. */
interface ReadKind {
  served: ServedKind | undefined;
  cache: KindCache;
  problem: KindProblem | undefined;
}

/** Resource as it is and as it would be. Missing: it doesn't exist. */
export interface ResourceDifference {
  key: ResourceKey;
  before: Resource | undefined;
  after: Resource | undefined;
}

/** Namespaces in which resources of a kind are read, too. */
export interface FurtherNamespaces extends ResourceKind {
  /** `undefined` stands for all. */
  namespaces: readonly string[] | undefined;
}

/** Field manager of manifests, that of `kubectl apply`. */
const userManager = 'kubectl';

/**
 * Resources of a cluster, read once when their kind is followed. Writes are dry runs: the API server answers as if they were made, and
 * stores nothing. Of one kind, only one resource is known, so that a pass concerns no other.
 */
export class DryRunResources implements Resources {
  readonly #transport: DryRunTransport;
  readonly #discovery: Discovery;
  readonly #base: ResourceReference;
  readonly #further: readonly FurtherNamespaces[];
  readonly #listeners = new Listeners();
  readonly #kinds = new Map<string, Promise<ReadKind>>();
  readonly #read = new Map<string, ReadKind>();
  readonly #before = new Map<ResourceKey, Resource | undefined>();
  readonly #statuses = new StatusWriter();

  /**
   * Throws `InvalidConfiguration` when the kubeconfig can't be used.
   *
   * @param base the only resource of its kind that is known.
   * @param further namespaces of kinds besides that of the base.
   */
  constructor(choice: KubeConfigChoice, base: ResourceReference, further: readonly FurtherNamespaces[] = []) {
    this.#transport = new DryRunTransport(loadKubeConfig(choice), { timeout: limits.kubernetes.readerTimeout });
    this.#discovery = new Discovery(this.#transport);
    this.#base = base;
    this.#further = further;
    this.#transport.listener = {
      written: (object) => this.#cacheOf(object)?.put(object),
      deleted: (object) => this.#cacheOf(object)?.remove(object),
    };
  }

  /** Applies a manifest as `kubectl apply --server-side` would. Rejects with `StorageFailed`. */
  async apply({ apiVersion, kind, metadata, status: _, ...fields }: Manifest): Promise<void> {
    const reference = { apiVersion, kind, namespace: metadata.namespace ?? '', name: metadata.name };
    const { served } = await this.#kind(reference);
    if (!served) throw new KplugError('StorageFailed', `the cluster has no kind ${kind} in ${apiVersion}`);
    const { namespace, name } = reference;
    const path = objectPath(served, namespace, name);
    const body = { ...fields, apiVersion, kind, metadata };
    try {
      await this.#transport.request(applyRequest({ path, resource: served.plural, fieldManager: userManager, body }));
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      const message = `${describeReference(reference)} can't be applied: ${error.message}`;
      throw new KplugError('StorageFailed', message, { cause: error });
    }
  }

  /** Reason why the differences may be incomplete: a resource that could not be read or written, for a reason that an operator would not have. */
  get failure(): string | undefined {
    const problems = [...this.#read.values()].map(({ problem }) => problem);
    return this.#transport.failure ?? problems.find((problem) => problem && problem.reason !== 'KindNotFound')?.message;
  }

  /** Returns what would change, in the order in which it was read or made. */
  differences(): ResourceDifference[] {
    return [...this.#before].map(([key, before]) => {
      const after = this.get(key);
      // It would be gone once its finalizers or containers are.
      const isDeleted = after?.metadata.deletionTimestamp && !before?.metadata.deletionTimestamp;
      return { key, before, after: isDeleted ? undefined : after };
    });
  }

  async follow(kind: ResourceKind, listener: ResourceListener, { signal }: FollowOptions = {}): Promise<void> {
    const { cache } = await this.#kind(kind);
    signal?.throwIfAborted();
    signal?.addEventListener('abort', () => this.#listeners.remove(kind, listener), { once: true });
    await this.#listeners.add(kind, listener, cache.values(), (key) => this.get(key));
  }

  problem(kind: ResourceKind): KindProblem | undefined {
    return this.#read.get(nameOf(kind))?.problem;
  }

  isNamespaced(kind: ResourceKind): boolean | undefined {
    return this.#read.get(nameOf(kind))?.served?.namespaced;
  }

  get(key: ResourceKey): Resource | undefined {
    const { namespace, name, ...kind } = parseKey(key);
    return this.#read.get(nameOf(kind))?.cache.get(namespace, name);
  }

  list(kind: ResourceKind): Iterable<Resource> {
    return this.#read.get(nameOf(kind))?.cache.values() ?? [];
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

  async applyOwned(key: ResourceKey, content: OwnedContent, options: OwnedWriteOptions): Promise<OwnedWrite> {
    return applyOwned(this.#ownedTarget(key), content, options);
  }

  async removeOwned(key: ResourceKey, options: OwnedWriteOptions): Promise<WriteResult> {
    return removeOwned(this.#ownedTarget(key), options);
  }

  async releaseOwned(key: ResourceKey, options: OwnedWriteOptions): Promise<WriteResult> {
    return releaseOwned(this.#ownedTarget(key), options);
  }

  async close(): Promise<void> {
    this.#listeners.clear();
    await this.#transport.close();
  }

  #kind(kind: ResourceKind): Promise<ReadKind> {
    const name = nameOf(kind);
    const known = this.#kinds.get(name) ?? this.#readKind({ apiVersion: kind.apiVersion, kind: kind.kind });
    this.#kinds.set(name, known);
    return known;
  }

  async #readKind(kind: ResourceKind): Promise<ReadKind> {
    const cache = new KindCache({
      kind,
      isBeingWritten: () => true,
      onChange: (change) => {
        const key = keyOf(change.resource);
        if (!this.#before.has(key)) this.#before.set(key, change.previous);
        this.#listeners.notify(change);
      },
    });
    const read: ReadKind = { served: undefined, cache, problem: undefined };
    try {
      read.served = await this.#discovery.find(kind);
      if (read.served) await this.#readObjects(read.served, cache);
      else
        read.problem = {
          reason: 'KindNotFound',
          message: `the cluster has no kind ${kind.kind} in ${kind.apiVersion}`,
        };
    } catch (error) {
      read.problem = this.#problemOf(error, kind, read.served);
    }
    this.#read.set(nameOf(kind), read);
    return read;
  }

  /** Reads the objects of a kind in the namespace of the base, and in the further ones of the kind. Of the base's kind, only the base. */
  async #readObjects(served: ServedKind, cache: KindCache): Promise<void> {
    const { namespace, name } = this.#base;
    const take = (object: JsonObject) => {
      const { metadata } = object;
      const { namespace: home = '', name: own } = isJsonObject(metadata) ? metadata : {};
      this.#transport.know(objectPath(served, String(home), String(own)), {
        apiVersion: served.apiVersion,
        kind: served.kind,
        ...object,
      });
      cache.put(object);
      const key = formatKey({ ...served, namespace: String(home), name: String(own) });
      this.#before.set(key, cache.get(String(home), String(own)));
    };
    if (isSameKind(served, this.#base)) {
      const path = objectPath(served, namespace, name);
      try {
        take(await this.#transport.request({ method: 'GET', path, verb: 'get', resource: served.plural }));
      } catch (error) {
        if (!(error instanceof ApiError) || error.reason !== 'NotFound') throw error;
      }
      return;
    }
    const signal = AbortSignal.timeout(limits.kubernetes.readerTimeout);
    for (const where of this.#namespacesOf(served)) {
      await listPages(this.#transport, { served, namespace: where, whole: false, signal }, (items) => {
        for (const item of items) if (isJsonObject(item)) take(item);
      });
    }
  }

  /** Returns the namespaces in which a kind is read; `undefined` stands for all. */
  #namespacesOf(served: ServedKind): (string | undefined)[] {
    if (!served.namespaced) return [undefined];
    const further = this.#further.filter((one) => isSameKind(one, served));
    if (further.some(({ namespaces }) => namespaces === undefined)) return [undefined];
    const { namespace } = this.#base;
    return [...new Set([...(namespace ? [namespace] : []), ...further.flatMap(({ namespaces = [] }) => namespaces)])];
  }

  #problemOf(error: unknown, { apiVersion, kind }: ResourceKind, served: ServedKind | undefined): KindProblem {
    const { namespace } = this.#base;
    if (error instanceof ApiError && error.reason === 'Forbidden' && served) {
      const where = served.namespaced ? namespace : undefined;
      const right = { group: groupOf(apiVersion), resource: served.plural, verbs: ['list'], namespace: where };
      return { reason: 'Forbidden', message: missingRule(right).replace('the operator', 'the user of the kubeconfig') };
    }
    return { reason: 'Unreachable', message: `${kind} (${apiVersion}) can't be read: ${messageOf(error)}` };
  }

  #cacheOf({ apiVersion, kind }: JsonObject): KindCache | undefined {
    return this.#read.get(nameOf({ apiVersion: String(apiVersion), kind: String(kind) }))?.cache;
  }

  async #write(
    key: ResourceKey,
    { uid, signal }: WriteOptions,
    change: (target: WriteTarget) => Promise<WriteResult>,
  ): Promise<WriteResult> {
    signal?.throwIfAborted();
    const { namespace, name, ...kind } = parseKey(key);
    const { cache, served } = this.#read.get(nameOf(kind)) ?? {};
    const resource = cache?.get(namespace, name);
    if (!cache || !served || resource?.metadata.uid !== uid) return 'gone';
    return change(new WriteTarget(key, resource, { cache, served, transport: this.#transport }));
  }

  #ownedTarget(key: ResourceKey): OwnedTarget {
    const { apiVersion, kind } = parseKey(key);
    const { cache, served, problem } = this.#read.get(nameOf({ apiVersion, kind })) ?? {};
    if (cache && served && !problem) return { key, cache, served, transport: this.#transport };
    const reason = problem?.message ?? 'its kind is not followed';
    throw new KplugError('StorageFailed', `${describeKey(key)} can't be written: ${reason}`);
  }
}

function nameOf({ apiVersion, kind }: ResourceKind): string {
  return `${apiVersion}/${kind}`;
}
