// resources/: the port to resources, and its adapters: Kubernetes, a directory, memory.
import type { ClusterServices } from './cluster-services.ts';
import type { JsonObject, Resource, ResourceKey, ResourceKind } from './resource.ts';

/**
 * Port to the resources that an operator reconciles. The rest of the controller doesn't know where resources are stored; each adapter
 * (Kubernetes, a directory, memory) implements this contract.
 *
 * Reads are from a cache: `get` and `list` never wait, and return only kinds that are followed. Writes are asynchronous; `get` returns
 * the written state when the promise is fulfilled, or soon after.
 */
export interface Resources {
  /** Services that the adapter offers besides the resources. */
  readonly services?: ClusterServices;

  /**
   * Follows a kind until `options.signal` is aborted or the adapter is closed. Fulfilled when the listener has received every existing
   * resource, or when they can't be read for now: `problem` has the reason, and the listener receives them as soon as they can be read.
   * Following a kind again adds a listener. A listener must not throw. A kind without listeners may leave the cache.
   */
  follow(kind: ResourceKind, listener: ResourceListener, options?: FollowOptions): Promise<void>;

  /** Returns the reason why the resources of a followed kind can't be read or are out of date; `undefined` when there is none. */
  problem(kind: ResourceKind): KindProblem | undefined;

  /** Reports whether the resources of a followed kind have namespaces; `undefined` when that is unknown. Default: unknown. */
  isNamespaced?(kind: ResourceKind): boolean | undefined;

  /** Reports whether the resources of a namespace are followed. Default: those of all are. */
  followsNamespace?(namespace: string): boolean;

  /** Returns a resource from the cache. */
  get(key: ResourceKey): Resource | undefined;

  /** Returns all resources of a kind from the cache. */
  list(kind: ResourceKind): Iterable<Resource>;

  /**
   * Applies a status as `options.fieldManager`: fields that the manager applied earlier and that are missing now are removed, fields of
   * other managers stay (Kubernetes' server-side apply, with force). With `options.merge`, the status is merged into what the manager
   * applied earlier. Skipped when nothing would change. Doesn't change the generation.
   */
  applyStatus(key: ResourceKey, status: JsonObject, options: WriteOptions): Promise<WriteResult>;

  /** Adds a finalizer, so that deletion waits for it, unless the resource is already being deleted. */
  addFinalizer(key: ResourceKey, finalizer: string, options: WriteOptions): Promise<WriteResult>;

  /** Removes a finalizer. A resource that is being deleted is gone after its last one. */
  removeFinalizer(key: ResourceKey, finalizer: string, options: WriteOptions): Promise<WriteResult>;

  /**
   * Creates or changes a dependent: a resource that is deleted with its owner. Fields that the same manager applied earlier and that are
   * missing now are removed; fields of other managers stay. Skipped when nothing would change. The kind must be followed. Rejects with
   * `Conflict` when the resource exists and has another owner or none, and with `Immutable` when a field would change that can't.
   */
  applyOwned(key: ResourceKey, content: OwnedContent, options: OwnedWriteOptions): Promise<OwnedWrite>;

  /**
   * Deletes a dependent. A resource that is gone or has another owner is left alone. `get` returns the resource afterwards only if it waits
   * for its finalizers or its containers.
   */
  removeOwned(key: ResourceKey, options: OwnedWriteOptions): Promise<WriteResult>;

  /**
   * Releases a dependent: it stays when its owner is deleted. It gets an annotation with its former owner, by which `applyOwned` with
   * `adopt` takes it over for an owner of the same name. A resource that is gone or has another owner is left alone.
   */
  releaseOwned(key: ResourceKey, options: OwnedWriteOptions): Promise<WriteResult>;

  /** Stops following and waits for writes in progress. Later writes reject with `Stopped`. */
  close(): Promise<void>;
}

/** Receives each change of a followed kind, in order. */
export type ResourceListener = (change: ResourceChange) => void;

/** Options of following a kind. */
export interface FollowOptions {
  /** Receives changes of the kind's problem. */
  onProblem?: ProblemListener;
  /** Ends the following: the listeners receive nothing after it is aborted. */
  signal?: AbortSignal;
}

/** Receives the problem of a followed kind when it changes; `undefined` when it is solved. Must not throw. */
export type ProblemListener = (problem: KindProblem | undefined) => void;

/**
 * Reason why the resources of a kind can't be read.
 *
 * - `KindNotFound`: the kind doesn't exist. Its resources are gone.
 * - `Forbidden`: a right is missing. The message names it.
 * - `Unreachable`: there is no response. The cache keeps its last state.
 */
export interface KindProblem {
  reason: 'KindNotFound' | 'Forbidden' | 'Unreachable';
  message: string;
}

/** Change of a resource. */
export interface ResourceChange {
  /** Resource as it is now, or its last state when it is gone. */
  resource: Resource;
  /** Resource before the change; missing for a new one. */
  previous?: Resource;
  /** True if the resource is gone: deleted, with no finalizer left. */
  gone: boolean;
  /** True if another client changed or removed fields of a status that one of our field managers had applied. */
  overwritten?: boolean;
}

/** Options of a write. */
export interface WriteOptions {
  /** UID of the resource. A resource that was deleted and created again under the same name is left alone. */
  uid: string;
  /** Field manager that writes, for example `kplug/tables`. */
  fieldManager: string;
  /** Merges the status into the manager's earlier one, as a JSON merge patch (RFC 7386). Default: replaces it. */
  merge?: boolean;
  /** Aborts the write. */
  signal?: AbortSignal;
}

/** Content of a dependent. */
export interface OwnedContent {
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  /** All fields except `apiVersion`, `kind`, `metadata` and `status`. */
  fields: JsonObject;
}

/** Options of a write of a dependent. */
export interface OwnedWriteOptions {
  /** Resource with which the dependent is deleted. */
  owner: Resource;
  /** Field manager that writes, for example `kplug/tables`. */
  fieldManager: string;
  /** True to leave a dependent that exists as it is. Default false. */
  createOnly?: boolean;
  /** True to take over a dependent that was released by an owner of the same kind, namespace and name. Default false. */
  adopt?: boolean;
  /** Aborts the write. */
  signal?: AbortSignal;
}

/** Outcome of the write of a dependent. */
export interface OwnedWrite {
  result: WriteResult;
  /** Dependent after the write, which the cache may not have yet. Missing when its owner is gone. */
  resource?: Resource;
}

/**
 * Result of a write. `gone`: the resource doesn't exist any more, or has another UID. A failed write rejects with `StorageFailed`, a
 * status that can't be stored with `InvalidResponse`.
 */
export type WriteResult = 'written' | 'unchanged' | 'gone';
