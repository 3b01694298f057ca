import type { ResourceChange } from '../port.ts';
import type { JsonValue, Resource, ResourceKind } from '../resource.ts';
import { type AnnotationStatuses, areNotesChanged } from './annotation-statuses.ts';
import { lostOwnership, type OwnedFields } from './owned-fields.ts';
import { type ReadObject, readObject, ValuePool, withGeneration } from './read-object.ts';

const nobody: OwnedFields = new Map();
const nothingNoted: AnnotationStatuses = new Map();

/** Options of a cache. */
export interface KindCacheOptions {
  kind: ResourceKind;
  /** Told of each change, in order. */
  tell: (change: ResourceChange) => void;
  /** Whether a write of ours to a resource is under way. What the watch tells meanwhile may be its outcome. */
  isBeingWritten: (resource: Resource) => boolean;
}

/** The resources of one kind as they are known now. */
export class KindCache {
  readonly #options: KindCacheOptions;
  readonly #namespaces = new Map<string, Map<string, Resource>>();
  readonly #owned = new WeakMap<Resource, OwnedFields>();
  readonly #noted = new WeakMap<Resource, AnnotationStatuses>();
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

  /** What our field managers say in the status of a resource that is in the cache. */
  ownedFields(resource: Resource): OwnedFields {
    return this.#owned.get(resource) ?? nobody;
  }

  /** What our field managers say of a resource in the cache in annotations, as its kind has no status. */
  annotationStatuses(resource: Resource): AnnotationStatuses {
    return this.#noted.get(resource) ?? nothingNoted;
  }

  /** Begins to take in a list of what is in one namespace, or in all. */
  startListing(namespace: string | undefined): Listing {
    const listing: Listing = {
      add: (object) => {
        const read = this.#read(object);
        const { namespace: home = '', name } = read.resource.metadata;
        const known = this.get(home, name);
        // Versions may go back when etcd was restored, and then the list is right. Only what we wrote since is newer.
        if (!known || !listing.written.has(known)) this.#put(read, known, false);
        const current = this.get(home, name);
        if (current) listing.seen.add(current);
      },
      end: () => {
        this.#listings.delete(listing);
        for (const resource of [...this.values(namespace)]) {
          if (!listing.seen.has(resource) && !listing.written.has(resource)) this.#remove(resource);
        }
      },
      cancel: () => this.#listings.delete(listing),
      seen: new Set(),
      written: new Set(),
    };
    this.#listings.add(listing);
    return listing;
  }

  /** Takes in what a watch told. One that is older than what is known says nothing new. */
  put(object: JsonValue | undefined): void {
    const read = this.#read(object);
    const { namespace = '', name } = read.resource.metadata;
    const known = this.get(namespace, name);
    if (known && !isNewer(read.resource, known)) return;
    const overwritten =
      known !== undefined &&
      (lostOwnership(this.ownedFields(known), read.owned) ||
        areNotesChanged(this.annotationStatuses(known), read.noted)) &&
      !this.#options.isBeingWritten(known);
    this.#put(read, known, overwritten);
  }

  /** Takes in the answer to a write, unless the watch was faster, and returns the resource as it was written. */
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

  /** Takes in that something is gone. */
  remove(object: JsonValue | undefined): void {
    const { resource } = this.#read(object);
    const { namespace = '', name } = resource.metadata;
    const known = this.get(namespace, name);
    if (!known || isNewer(known, resource)) return;
    this.#remove(known, resource);
  }

  /** Everything is gone, as the kind is. */
  clear(): void {
    for (const resource of [...this.values()]) this.#remove(resource);
  }

  #read(object: JsonValue | undefined): ReadObject {
    return readObject(object, this.#options.kind, this.#pool);
  }

  #put({ resource, owned, noted }: ReadObject, known: Resource | undefined, overwritten: boolean): void {
    if (known?.metadata.resourceVersion === resource.metadata.resourceVersion) return;
    const previous = known?.metadata.uid === resource.metadata.uid ? known : undefined;
    // It was deleted and made anew while nobody watched.
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
    if (noted.size > 0) this.#noted.set(current, noted);
    this.#options.tell({
      resource: current,
      ...(previous && { previous }),
      gone: false,
      ...(overwritten && { overwritten }),
    });
  }

  /** `last` is the resource as it was when it went. */
  #remove(known: Resource, last: Resource = known): void {
    const { namespace = '', name } = known.metadata;
    const resources = this.#namespaces.get(namespace);
    resources?.delete(name);
    if (resources?.size === 0) this.#namespaces.delete(namespace);
    const resource = last === known ? known : withGeneration(last, known);
    this.#options.tell({ resource, previous: known, gone: true });
  }
}

/** A list that is being taken in, page by page. */
export interface Listing {
  add(object: JsonValue): void;
  /** All pages have come: what was in none of them is gone. */
  end(): void;
  /** The list can't be had whole. What came of it stays. */
  cancel(): void;
  readonly seen: Set<Resource>;
  readonly written: Set<Resource>;
}

/** Within a kind, versions are numbers that grow. An API that isn't kept in etcd may have others, and tells only what is new. */
function isNewer(a: Resource, b: Resource): boolean {
  const difference = Number(a.metadata.resourceVersion) - Number(b.metadata.resourceVersion);
  return Number.isNaN(difference) || difference > 0;
}
