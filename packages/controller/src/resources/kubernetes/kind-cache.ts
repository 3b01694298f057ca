import { visitAll } from '../../queue/slices.ts';
import type { ResourceChange } from '../port.ts';
import type { JsonValue, Resource, ResourceKind } from '../resource.ts';
import { type AnnotationStatuses, haveStatusesChanged } from './annotation-statuses.ts';
import { lostOwnership, type OwnedFields } from './owned-fields.ts';
import { type ReadObject, readObject, ValuePool, withGeneration } from './read-object.ts';

const noOwnedFields: OwnedFields = new Map();
const noStatuses: AnnotationStatuses = new Map();

/** Options of a cache. */
export interface KindCacheOptions {
  kind: ResourceKind;
  /** Receives each change, in order. */
  onChange: (change: ResourceChange) => void;
  /** Reports whether a write of this process to a resource is in progress. Events of the watch may be its outcome. */
  isBeingWritten: (resource: Resource) => boolean;
}

/** Cache of the resources of one kind. */
export class KindCache {
  readonly #options: KindCacheOptions;
  readonly #namespaces = new Map<string, Map<string, Resource>>();
  readonly #owned = new WeakMap<Resource, OwnedFields>();
  readonly #annotated = new WeakMap<Resource, AnnotationStatuses>();
  readonly #pool = new ValuePool();
  readonly #listings = new Set<Listing>();

  constructor(options: KindCacheOptions) {
    this.#options = options;
  }

  get(namespace: string, name: string): Resource | undefined {
    return this.#namespaces.get(namespace)?.get(name);
  }

  *values(namespace?: string): Iterable<Resource> {
    for (const [name, resources] of this.#namespaces) {
      if (namespace === undefined || name === namespace) yield* resources.values();
    }
  }

  /** Returns the fields that our field managers own in the status of a cached resource. */
  ownedFields(resource: Resource): OwnedFields {
    return this.#owned.get(resource) ?? noOwnedFields;
  }

  /** Returns the statuses in the annotations of a cached resource, whose kind has no status. */
  annotationStatuses(resource: Resource): AnnotationStatuses {
    return this.#annotated.get(resource) ?? noStatuses;
  }

  /** Starts to take in a list of one namespace, or of all. */
  startListing(namespace: string | undefined): Listing {
    const listing: Listing = {
      add: (object) => {
        const read = this.#read(object);
        const { namespace: home = '', name } = read.resource.metadata;
        const known = this.get(home, name);
        // Versions go back when etcd was restored; the list is then correct. Only later writes of this process are newer.
        if (!known || !listing.written.has(known)) this.#put(read, known, false);
        const current = this.get(home, name);
        if (current) listing.seen.add(current);
      },
      end: async () => {
        await visitAll([...this.values(namespace)], (resource) => {
          if (listing.seen.has(resource) || listing.written.has(resource)) return;
          if (this.#isCurrent(resource)) this.#remove(resource);
        });
        this.#listings.delete(listing);
      },
      cancel: () => this.#listings.delete(listing),
      seen: new Set(),
      written: new Set(),
    };
    this.#listings.add(listing);
    return listing;
  }

  /** Takes in an object of a watch, unless it is older than the cached one. */
  put(object: JsonValue | undefined): void {
    const read = this.#read(object);
    const { namespace = '', name } = read.resource.metadata;
    const known = this.get(namespace, name);
    if (known && !isNewer(read.resource, known)) return;
    const overwritten =
      known !== undefined &&
      (lostOwnership(this.ownedFields(known), read.owned) ||
        haveStatusesChanged(this.annotationStatuses(known), read.annotated)) &&
      !this.#options.isBeingWritten(known);
    this.#put(read, known, overwritten);
  }

  /** Takes in the response to a write, unless the watch was faster. Returns the written resource. */
  putWritten(object: JsonValue): ReadObject {
    const read = this.#read(object);
    const { namespace = '', name, uid } = read.resource.metadata;
    const known = this.get(namespace, name);
    if (known?.metadata.uid !== uid || !isNewer(read.resource, known)) return read;
    this.#put(read, known, false);
    const written = this.get(namespace, name);
    if (written) for (const listing of this.#listings) listing.written.add(written);
    return read;
  }

  /** Takes in a deletion that this process made, unless the watch was faster. */
  removeWritten(deleted: Resource): void {
    const { namespace = '', name, uid } = deleted.metadata;
    const known = this.get(namespace, name);
    if (known?.metadata.uid === uid) this.#remove(known);
  }

  /** Takes in the deletion of an object. */
  remove(object: JsonValue | undefined): void {
    const { resource } = this.#read(object);
    const { namespace = '', name } = resource.metadata;
    const known = this.get(namespace, name);
    if (!known || isNewer(known, resource)) return;
    this.#remove(known, resource);
  }

  /** Removes all resources, as the kind is gone. */
  async clear(): Promise<void> {
    await visitAll([...this.values()], (resource) => {
      if (this.#isCurrent(resource)) this.#remove(resource);
    });
  }

  /** Reports whether the cache has a resource in this state. */
  #isCurrent(resource: Resource): boolean {
    const { namespace = '', name } = resource.metadata;
    return this.get(namespace, name) === resource;
  }

  #read(object: JsonValue | undefined): ReadObject {
    return readObject(object, this.#options.kind, this.#pool);
  }

  #put({ resource, owned, annotated }: ReadObject, known: Resource | undefined, overwritten: boolean): void {
    if (known?.metadata.resourceVersion === resource.metadata.resourceVersion) return;
    const previous = known?.metadata.uid === resource.metadata.uid ? known : undefined;
    // It was deleted and created again while the watch was interrupted.
    if (known && !previous) this.#remove(known);
    const current = withGeneration(resource, previous);
    const { namespace = '', name } = current.metadata;
    let resources = this.#namespaces.get(namespace);
    if (!resources) {
      resources = new Map();
      this.#namespaces.set(namespace, resources);
    }
    resources.set(name, current);
    if (owned.size > 0) this.#owned.set(current, owned);
    if (annotated.size > 0) this.#annotated.set(current, annotated);
    this.#options.onChange({
      resource: current,
      ...(previous && { previous }),
      gone: false,
      ...(overwritten && { overwritten }),
    });
  }

  /** Removes a resource. `last` is its last state. */
  #remove(known: Resource, last: Resource = known): void {
    const { namespace = '', name } = known.metadata;
    const resources = this.#namespaces.get(namespace);
    resources?.delete(name);
    if (resources?.size === 0) this.#namespaces.delete(namespace);
    const resource = last === known ? known : withGeneration(last, known);
    this.#options.onChange({ resource, previous: known, gone: true });
  }
}

/** List that is being taken in, page by page. */
export interface Listing {
  add(object: JsonValue): void;
  /** Ends a complete list: resources that were on no page are gone. */
  end(): Promise<void>;
  /** Ends an incomplete list. The resources of its pages stay. */
  cancel(): void;
  readonly seen: Set<Resource>;
  readonly written: Set<Resource>;
}

/** Reports whether a resource is newer. Resource versions are increasing numbers; an API outside of etcd may have others, and counts as newer. */
function isNewer(a: Resource, b: Resource): boolean {
  const difference = Number(a.metadata.resourceVersion) - Number(b.metadata.resourceVersion);
  return Number.isNaN(difference) || difference > 0;
}
