// resources/memory/: resources in memory, for tests and tools and as the base of the directory adapter.
import { KplugError } from '../../errors.ts';
import { checkManifest, type Manifest } from '../check-manifest.ts';
import { copyJson, findJsonFault, formatPath, jsonEquals } from '../json.ts';
import { Listeners } from '../listeners.ts';
import { mergePatch } from '../merge-patch.ts';
import { notOwned } from '../not-owned.ts';
import type {
  FollowOptions,
  OwnedContent,
  OwnedWrite,
  OwnedWriteOptions,
  ResourceListener,
  Resources,
  WriteOptions,
  WriteResult,
} from '../port.ts';
import { adoptedMetadata, isReleasedBy, releasedMetadata } from '../released.ts';
import {
  describeKey,
  formatKey,
  isOwnedBy,
  type JsonObject,
  keyOf,
  type ObjectMeta,
  parseKey,
  type Resource,
  type ResourceKey,
  type ResourceKind,
} from '../resource.ts';
import { mergeStatuses } from './merge-statuses.ts';
import type { Persistence, StoredResource } from './persistence.ts';
import { StoredResources } from './stored-resources.ts';
import { annotatedResource, changedResource, newResource, ownedResource, timestamp } from './user-changes.ts';

const noStatuses: ReadonlyMap<string, JsonObject> = new Map();

/**
 * Resources in memory. Changes are made and announced synchronously. With a `persistence`, the promise of a write is fulfilled once the
 * change is durable.
 */
export class MemoryResources implements Resources {
  readonly #stored = new StoredResources();
  readonly #listeners = new Listeners();
  readonly #persistence: Persistence | undefined;
  #lastVersion = 0;
  #closed = false;

  constructor({ persistence }: { persistence?: Persistence } = {}) {
    this.#persistence = persistence;
  }

  /**
   * Creates or changes a resource as a user would with `kubectl apply`, and returns the result. Of a resource that is being deleted, only
   * the annotations change. Throws `InvalidManifest`.
   */
  apply(manifest: Manifest): Resource {
    this.#refuseIfClosed();
    const { manifest: wanted, fault } = checkManifest(manifest);
    if (fault) {
      const subject = formatPath(fault.path) || 'the manifest';
      throw new KplugError(
        'InvalidManifest',
        `${describeManifest(manifest)} can't be applied: ${subject} ${fault.message}.`,
      );
    }
    const key = formatKey({ ...wanted, namespace: wanted.metadata.namespace, name: wanted.metadata.name });
    const stored = this.#stored.get(key);
    if (!stored) return this.#put(key, newResource(wanted), noStatuses);
    const { resource } = stored;
    const isDeleted = resource.metadata.deletionTimestamp !== undefined;
    const next = isDeleted ? annotatedResource(resource, wanted) : changedResource(resource, wanted);
    return next === resource ? resource : this.#replace(key, stored, next);
  }

  /** Deletes a resource as a user would: immediately, or if it has finalizers, by setting its `deletionTimestamp`. */
  delete(key: ResourceKey): WriteResult {
    this.#refuseIfClosed();
    const stored = this.#stored.get(key);
    if (!stored) return 'gone';
    const { resource } = stored;
    if (resource.metadata.deletionTimestamp !== undefined) return 'unchanged';
    if (resource.metadata.finalizers?.length) this.#replaceMetadata(key, stored, { deletionTimestamp: timestamp() });
    else this.#remove(key, resource, resource);
    return 'written';
  }

  /** Restores a stored resource with its identity. */
  restore(stored: StoredResource): void {
    const { resource } = stored;
    const previous = this.#stored.get(keyOf(resource))?.resource;
    this.#lastVersion = Math.max(this.#lastVersion, Number.parseInt(resource.metadata.resourceVersion, 10) || 0);
    this.#stored.set(keyOf(resource), stored);
    this.#listeners.notify({ resource, ...(previous && { previous }), gone: false });
  }

  /** Returns a resource with the statuses of all field managers. */
  stored(key: ResourceKey): StoredResource | undefined {
    return this.#stored.get(key);
  }

  /** Returns all resources by their keys, with the statuses of all field managers. */
  all(): Iterable<readonly [ResourceKey, StoredResource]> {
    return this.#stored;
  }

  /** Returns the keys of all resources. */
  keys(): ResourceKey[] {
    return [...this.#stored.keys()];
  }

  async follow(kind: ResourceKind, listener: ResourceListener, { signal }: FollowOptions = {}): Promise<void> {
    this.#refuseIfClosed();
    signal?.throwIfAborted();
    signal?.addEventListener('abort', () => this.#listeners.remove(kind, listener), { once: true });
    await this.#listeners.add(kind, listener, this.list(kind), (key) => this.get(key));
  }

  /** Always `undefined`: resources in memory can be read. */
  problem(): undefined {
    return undefined;
  }

  get(key: ResourceKey): Resource | undefined {
    return this.#stored.get(key)?.resource;
  }

  list(kind: ResourceKind): Resource[] {
    return Array.from(this.#stored.ofKind(kind), ({ resource }) => resource);
  }

  applyStatus(key: ResourceKey, status: JsonObject, options: WriteOptions): Promise<WriteResult> {
    return this.#write(key, options, (stored) => this.#applyStatus(key, stored, status, options));
  }

  addFinalizer(key: ResourceKey, finalizer: string, options: WriteOptions): Promise<WriteResult> {
    return this.#write(key, options, (stored) => {
      const { finalizers = [], deletionTimestamp } = stored.resource.metadata;
      if (deletionTimestamp !== undefined || finalizers.includes(finalizer)) return 'unchanged';
      this.#replaceMetadata(key, stored, { finalizers: [...finalizers, finalizer] });
      return 'written';
    });
  }

  removeFinalizer(key: ResourceKey, finalizer: string, options: WriteOptions): Promise<WriteResult> {
    return this.#write(key, options, (stored) => {
      const { resource } = stored;
      const { finalizers, ...metadata } = resource.metadata;
      if (!finalizers?.includes(finalizer)) return 'unchanged';
      const left = finalizers.filter((other) => other !== finalizer);
      if (left.length > 0) this.#replaceMetadata(key, stored, { finalizers: left });
      else if (metadata.deletionTimestamp === undefined) this.#replace(key, stored, { ...resource, metadata });
      else this.#remove(key, { ...resource, metadata }, resource);
      return 'written';
    });
  }

  async applyOwned(
    key: ResourceKey,
    content: OwnedContent,
    { owner, createOnly = false, adopt = false, signal }: OwnedWriteOptions,
  ): Promise<OwnedWrite> {
    this.#refuseIfClosed();
    signal?.throwIfAborted();
    // The owner was deleted meanwhile, so that nothing would ever delete the dependent.
    if (this.get(keyOf(owner))?.metadata.uid !== owner.metadata.uid) return { result: 'gone' };
    const { fields, ...marks } = content;
    const { namespace, name, ...kind } = parseKey(key);
    const manifest = { ...kind, ...copyJson(fields), metadata: { name, namespace, ...marks } };
    let stored = this.#stored.get(key);
    if (stored && adopt && isReleasedBy(stored.resource, owner)) {
      const { resource } = stored;
      this.#replace(key, stored, { ...resource, metadata: adoptedMetadata(resource.metadata, owner) });
      stored = this.#stored.get(key);
    }
    if (stored && !isOwnedBy(stored.resource, owner.metadata)) throw notOwned(stored.resource, owner);
    let result: WriteResult = 'written';
    if (!stored) {
      this.#put(key, ownedResource(newResource(manifest), owner), noStatuses);
    } else if (createOnly) {
      result = 'unchanged';
    } else {
      const next = changedResource(stored.resource, manifest);
      if (next === stored.resource) result = 'unchanged';
      else this.#replace(key, stored, next);
    }
    const resource = this.get(key);
    await this.#persistence?.durable(key);
    return { result, ...(resource && { resource }) };
  }

  async removeOwned(key: ResourceKey, { owner, signal }: OwnedWriteOptions): Promise<WriteResult> {
    this.#refuseIfClosed();
    signal?.throwIfAborted();
    const stored = this.#stored.get(key);
    if (!stored || !isOwnedBy(stored.resource, owner.metadata)) return 'gone';
    const result = this.delete(key);
    await this.#persistence?.durable(key);
    return result;
  }

  async releaseOwned(key: ResourceKey, { owner, signal }: OwnedWriteOptions): Promise<WriteResult> {
    this.#refuseIfClosed();
    signal?.throwIfAborted();
    const stored = this.#stored.get(key);
    if (!stored || !isOwnedBy(stored.resource, owner.metadata)) return 'gone';
    const { resource } = stored;
    this.#replace(key, stored, { ...resource, metadata: releasedMetadata(resource.metadata, owner) });
    await this.#persistence?.durable(key);
    return 'written';
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#listeners.clear();
    await this.#persistence?.flush();
  }

  /** Makes a write of the port. A write without effect waits as well, as the state that it found may not be durable yet. */
  async #write(
    key: ResourceKey,
    { uid, signal }: WriteOptions,
    change: (stored: StoredResource) => WriteResult,
  ): Promise<WriteResult> {
    this.#refuseIfClosed();
    signal?.throwIfAborted();
    const stored = this.#stored.get(key);
    const result = stored && stored.resource.metadata.uid === uid ? change(stored) : 'gone';
    const pending = this.#persistence?.durable(key);
    if (pending) await pending;
    return result;
  }

  #applyStatus(
    key: ResourceKey,
    stored: StoredResource,
    given: JsonObject,
    { fieldManager, merge }: WriteOptions,
  ): WriteResult {
    const before = stored.statuses.get(fieldManager) ?? {};
    const applied = merge ? mergePatch(before, given) : given;
    if (jsonEquals(before, applied)) return 'unchanged';
    const fault = findJsonFault(applied);
    if (fault) {
      const subject = formatPath(['status', ...fault.path]);
      const message = `The status of ${describeKey(key)} can't be written: ${subject} ${fault.message}.`;
      throw new KplugError('InvalidResponse', message);
    }
    const statuses = new Map(stored.statuses);
    // Deleted first, so that the last writer comes last.
    statuses.delete(fieldManager);
    if (Object.keys(applied).length > 0) statuses.set(fieldManager, copyJson(applied));
    const { status: _, ...resource } = stored.resource;
    const status = mergeStatuses(statuses.values());
    this.#put(key, status ? { ...resource, status } : resource, statuses, stored.resource);
    return 'written';
  }

  #replaceMetadata(key: ResourceKey, stored: StoredResource, metadata: Partial<ObjectMeta>): void {
    this.#replace(key, stored, { ...stored.resource, metadata: { ...stored.resource.metadata, ...metadata } });
  }

  /** Replaces a resource, with a new resource version. */
  #replace(key: ResourceKey, { resource: previous, statuses }: StoredResource, next: Resource): Resource {
    return this.#put(key, next, statuses, previous);
  }

  #put(key: ResourceKey, next: Resource, statuses: StoredResource['statuses'], previous?: Resource): Resource {
    this.#lastVersion += 1;
    const resource = { ...next, metadata: { ...next.metadata, resourceVersion: String(this.#lastVersion) } };
    const stored = { resource, statuses };
    this.#stored.set(key, stored);
    this.#persistence?.changed(key, stored);
    this.#listeners.notify({ resource, ...(previous && { previous }), gone: false });
    return resource;
  }

  #remove(key: ResourceKey, resource: Resource, previous: Resource): void {
    this.#stored.delete(key);
    this.#persistence?.changed(key, undefined);
    this.#listeners.notify({ resource, previous, gone: true });
    this.#removeOwnedBy(resource);
  }

  /** Deletes the resources that are owned by a deleted one. */
  #removeOwnedBy(owner: Resource): void {
    for (const key of this.#stored.ownedBy(owner)) this.delete(key);
  }

  #refuseIfClosed(): void {
    if (this.#closed) throw new KplugError('Stopped', 'Resources are no longer followed or written: they were closed.');
  }
}

function describeManifest({ kind, metadata }: Manifest): string {
  return `${kind} ${metadata?.name ?? 'without a name'}`;
}
