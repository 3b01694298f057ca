// paging/: lists in pages, stable while their objects come and go.
import { limits } from '../limits/limits.ts';
import { Pace } from '../queue/slices.ts';
import { formatPageToken, type PageRequest, parsePageToken, readPageSize } from './page-request.ts';
import { sortSliced } from './sort-sliced.ts';

const { snapshotAge, maxPageBytes } = limits.admin;

/** Page of a list. */
export interface Page<T> {
  items: T[];
  /** Token of the next page; empty for the last one. */
  nextPageToken: string;
}

/** List that is read in pages. */
export interface SortedList<T> {
  /** Adds all items, in any order and in slices. */
  collect: (add: (item: T) => void) => Promise<void>;
  /** Returns the position of an item in the list, by which items are ordered, part by part. Unique. */
  positionOf: (item: T) => readonly string[];
  /** Number of parts of a position. */
  positionLength: number;
  /** Reports whether an item still exists. */
  exists: (item: T) => boolean;
  /** Returns the size of an item in a response, in bytes. A page ends before it is too large. Default: all are small. */
  sizeOf?: (item: T) => number;
}

/**
 * Reads a list in pages. The first page sorts the list; the following ones continue in the same sorted list as long as it is young,
 * or in a new one, after the last item of the previous page. An item that exists while all pages are read is thus returned once.
 */
export class SortedPages<T> {
  readonly #list: SortedList<T>;
  #snapshot: readonly Entry<T>[] | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(list: SortedList<T>) {
    this.#list = list;
  }

  /** Returns a page of the items that a filter matches; `undefined` if the token is malformed. */
  async read(request: PageRequest, matches: (item: T) => boolean): Promise<Page<T> | undefined> {
    const { positionLength, exists, sizeOf = () => 0 } = this.#list;
    const after = request.pageToken ? parsePageToken(request.pageToken, positionLength) : [];
    if (!after) return undefined;
    const size = readPageSize(request);
    const items: T[] = [];
    const sorted = after.length > 0 ? (this.#snapshot ?? (await this.#sort())) : await this.#sort();
    const pace = new Pace();
    let last = after;
    let bytes = 0;
    for (let index = findAfter(sorted, after); index < sorted.length; index++) {
      const { item, position } = sorted[index] as Entry<T>;
      if (exists(item) && matches(item)) {
        bytes += sizeOf(item);
        const isFull = items.length === size || (items.length > 0 && bytes > maxPageBytes);
        if (isFull) return { items, nextPageToken: formatPageToken(last) };
        items.push(item);
        last = position;
      }
      if (pace.isOver()) await pace.pause();
    }
    return { items, nextPageToken: '' };
  }

  async #sort(): Promise<readonly Entry<T>[]> {
    const { collect, positionOf } = this.#list;
    const all: Entry<T>[] = [];
    await collect((item) => all.push({ item, position: positionOf(item) }));
    const sorted = await sortSliced(all, (a, b) => comparePositions(a.position, b.position));
    this.#snapshot = sorted;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#snapshot = undefined;
    }, snapshotAge).unref();
    return sorted;
  }
}

interface Entry<T> {
  readonly item: T;
  readonly position: readonly string[];
}

/** Returns the index of the first entry after a position, by binary search; 0 for an empty position. */
function findAfter(sorted: readonly Entry<unknown>[], after: readonly string[]): number {
  let low = 0;
  let high = after.length > 0 ? sorted.length : 0;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (comparePositions((sorted[middle] as Entry<unknown>).position, after) <= 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Compares positions by code units, so that the order is the same for every locale. */
function comparePositions(a: readonly string[], b: readonly string[]): number {
  for (let part = 0; part < a.length; part++) {
    const [left, right] = [a[part] as string, b[part] as string];
    if (left !== right) return left < right ? -1 : 1;
  }
  return 0;
}
