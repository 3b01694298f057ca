import type { JsonObject, Resource } from '../resource.ts';

/** Entry of the catalogue: a capability that an operator lists. */
export interface CatalogueEntry {
  /** Name of the entry, unique in the cluster. */
  name: string;
  labels: Readonly<Record<string, string>>;
  spec: JsonObject;
  status: JsonObject;
}

/** Stores the entries of the catalogue, those of other operators too. */
export interface CatalogueStore {
  /** Reason why the entries can't be read, if there is one. */
  readonly problem: { readonly message: string } | undefined;
  /**
   * Follows the entries. The listener receives the name of each entry that anybody changes or removes, and nothing when `problem` changes.
   * Fulfilled when the existing entries are known or can't be read for now.
   */
  follow(listener: (name?: string) => void): Promise<void>;
  /** Returns an entry as it is stored. */
  get(name: string): Resource | undefined;
  /** Returns all entries. */
  list(): Iterable<Resource>;
  /** Creates or changes an entry. Rejects with `StorageFailed`. */
  save(entry: CatalogueEntry): Promise<void>;
  /** Removes an entry, if it exists. Rejects with `StorageFailed`. */
  remove(name: string): Promise<void>;
}
