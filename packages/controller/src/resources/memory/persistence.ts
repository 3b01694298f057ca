import type { JsonObject, Resource, ResourceKey } from '../resource.ts';

/** Stored state of a resource. Immutable. */
export interface StoredResource {
  resource: Resource;
  /** Status by field manager; the last writer comes last. */
  statuses: ReadonlyMap<string, JsonObject>;
}

/** Persists resources beyond the end of the process. */
export interface Persistence {
  /** Receives each change before all listeners; `undefined` when the resource is gone. Must not throw. */
  changed(key: ResourceKey, stored: StoredResource | undefined): void;
  /**
   * Fulfilled when all changes of a resource so far are durable; `undefined` when they already are. Rejects with `StorageFailed` when a
   * write fails. Retries failed writes.
   */
  durable(key: ResourceKey): Promise<void> | undefined;
  /** Fulfilled when all changes of all resources so far are durable. Rejects with `StorageFailed` when a write fails. */
  flush(): Promise<void>;
}
