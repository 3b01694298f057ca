import type { ClusterServices } from './cluster-services.ts';
import type { JsonObject, Resource, ResourceKey, ResourceKind } from './resource.ts';

/**
 * Where resources are read from and what becomes of them is written to. Delegation knows nothing else of the place where
 * resources live; each adapter (a directory, Kubernetes, memory) keeps this contract.
 *
 * Reading is from a cache that following fills: `get` and `list` never wait, and see only kinds that are followed. Writing
 * is asynchronous, and what was written is seen by `get` once the promise has been fulfilled, or soon after.
 */
export interface Resources {
  /** What the place where they live offers beyond them. */
  readonly services?: ClusterServices;

  /**
   * Follows a kind until `options.signal` is aborted, or else for as long as the adapter lives. The promise is fulfilled when the
   * listener has been told of every resource that is there, or once it is known that they can't be had for now: `problem` says
   * why. They are told as soon as they can be had. Following a kind again adds a listener. A listener must not throw. A kind that
   * nobody follows any more may be forgotten.
   */
  follow(kind: ResourceKind, listener: ResourceListener, options?: FollowOptions): Promise<void>;

  /** Why the resources of a followed kind can't be had, or are no longer heard of; `undefined` when all is well. */
  problem(kind: ResourceKind): KindProblem | undefined;

  /** The resource as it is known now. */
  get(key: ResourceKey): Resource | undefined;

  /** All resources of a kind as they are known now. */
  list(kind: ResourceKind): Iterable<Resource>;

  /**
   * Makes `status` the whole of what `options.fieldManager` says in the status of a resource: fields that it said before and
   * says no more are removed, fields of other managers stay (Kubernetes' server-side apply, conflicts forced). With
   * `options.merge` it is merged into what the manager said before. Skipped when it would change nothing. Doesn't change the
   * generation.
   */
  applyStatus(key: ResourceKey, status: JsonObject, options: WriteOptions): Promise<WriteResult>;

  /** Adds a finalizer, so that deletion waits for it. Not added to a resource that is already being deleted. */
  addFinalizer(key: ResourceKey, finalizer: string, options: WriteOptions): Promise<WriteResult>;

  /** Removes a finalizer. A resource that is being deleted goes with its last one. */
  removeFinalizer(key: ResourceKey, finalizer: string, options: WriteOptions): Promise<WriteResult>;

  /**
   * Makes or changes a resource that is kept for another one, its owner, and goes with that. What is said before by the same
   * manager and not any more is removed; fields of others stay. Skipped when it would change nothing. The kind must be followed.
   * Rejects with `Conflict` when there is a resource of that name that isn't the owner's.
   */
  applyOwned(key: ResourceKey, content: OwnedContent, options: OwnedWriteOptions): Promise<WriteResult>;

  /** Removes a resource that is kept for its owner. One that is gone, or another's, is left alone. */
  removeOwned(key: ResourceKey, options: OwnedWriteOptions): Promise<WriteResult>;

  /** Stops following and waits for writes under way. Later writes reject with `Stopped`. */
  close(): Promise<void>;
}

/** Hears of each change of a followed kind, in order. */
export type ResourceListener = (change: ResourceChange) => void;

/** How a kind is followed. */
export interface FollowOptions {
  /** Told when what stands in the way changes. */
  onProblem?: ProblemListener;
  /** Ends it: the listeners are told of nothing any more. */
  signal?: AbortSignal;
}

/** Hears when the problem of a followed kind changes; `undefined` when it is solved. Must not throw. */
export type ProblemListener = (problem: KindProblem | undefined) => void;

/**
 * Why the resources of a kind can't be had.
 *
 * - `KindNotFound`: there is no such kind. What there was of it is gone.
 * - `Forbidden`: they may not be read. The message names the right that is missing.
 * - `Unreachable`: there is no answer. What is known stays as it was.
 */
export interface KindProblem {
  reason: 'KindNotFound' | 'Forbidden' | 'Unreachable';
  message: string;
}

/** One change of one resource. */
export interface ResourceChange {
  /** The resource as it is now, or as it was last when it is gone. */
  resource: Resource;
  /** The resource as it was before; missing for one that is new. */
  previous?: Resource;
  /** Whether it is gone: deleted, with no finalizer left. */
  gone: boolean;
  /** Whether somebody else changed or removed what one of our field managers had said in the status. */
  overwritten?: boolean;
}

/** What a write depends on. */
export interface WriteOptions {
  /** The incarnation that is meant. A resource deleted and made anew under the same name is left alone. */
  uid: string;
  /** Who writes, for example `kplug/tables`. */
  fieldManager: string;
  /** Merge the status into what was said before, as a JSON merge patch (RFC 7386). Default: it takes its place. */
  merge?: boolean;
  /** Gives the write up. */
  signal?: AbortSignal;
}

/** What is said of a resource that is kept for another one. */
export interface OwnedContent {
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  /** Everything but `apiVersion`, `kind`, `metadata` and `status`. */
  fields: JsonObject;
}

/** What a write of a resource depends on that is kept for another one. */
export interface OwnedWriteOptions {
  owner: Resource;
  /** Who writes, for example `kplug/tables`. */
  fieldManager: string;
  /** Gives the write up. */
  signal?: AbortSignal;
}

/**
 * `gone`: there is no such resource any more, or not in this incarnation. A failure to write rejects with `StorageFailed`, a
 * status that can't be kept as it is with `InvalidResponse`.
 */
export type WriteResult = 'written' | 'unchanged' | 'gone';
