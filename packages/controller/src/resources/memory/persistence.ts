import type { JsonObject, Resource, ResourceKey } from '../resource.ts';

/** All there is to know of one resource. Never changed in place. */
export interface StoredResource {
  resource: Resource;
  /** What each field manager says in the status, the one that wrote last coming last. */
  statuses: ReadonlyMap<string, JsonObject>;
}

/** Keeps what a table of resources holds beyond the life of the process. */
export interface Persistence {
  /** Hears of each change at once, before anybody else; `undefined` when the resource is gone. Must not throw. */
  changed(key: ResourceKey, stored: StoredResource | undefined): void;
  /**
   * Fulfilled when all changes of a resource so far are safe; `undefined` when they are already. Rejects with `StorageFailed`
   * when they can't be made safe. What failed before is tried again.
   */
  durable(key: ResourceKey): Promise<void> | undefined;
  /** Fulfilled when all changes of all resources so far are safe. Rejects with `StorageFailed` when some can't be made safe. */
  flush(): Promise<void>;
}
