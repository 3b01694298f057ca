import type { JsonObject } from '../resource.ts';

/** Record of a plugin in one version. */
export interface PluginRecord {
  /** Name of the record, and its key in the store. */
  name: string;
  /** Namespace of a declared plugin. All other records are in the operator's namespace. */
  namespace?: string;
  spec: JsonObject;
  status: JsonObject;
  /** Generation that the status describes, for a record that a user wrote. Only the status of such a record is written. */
  ofGeneration?: number;
}

/** Stores records of plugins. All methods reject with `StorageFailed`. */
export interface PluginStore {
  /** Loads all records. */
  load(): Promise<PluginRecord[]>;
  /** Creates or replaces the record with its name. */
  save(record: PluginRecord): Promise<void>;
  /** Removes a record, if it exists. */
  remove(record: Pick<PluginRecord, 'name' | 'namespace'>): Promise<void>;
}
