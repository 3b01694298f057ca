/** Entry of a linked list, by which it can be removed. */
export class ListEntry<T> {
  readonly value: T;
  /** List that holds the entry; `undefined` when none does. */
  list: LinkedList<T> | undefined;
  previous: ListEntry<T> | undefined;
  next: ListEntry<T> | undefined;

  constructor(value: T) {
    this.value = value;
  }
}

/**
 * Doubly linked list: adds at the end, takes from the front and removes from anywhere in constant time. A `Map` or `Set` would
 * not: it skips the entries that were deleted from its front each time that it is read.
 */
export class LinkedList<T> {
  #first: ListEntry<T> | undefined;
  #last: ListEntry<T> | undefined;
  #size = 0;

  /** Number of entries. */
  get size(): number {
    return this.#size;
  }

  get first(): ListEntry<T> | undefined {
    return this.#first;
  }

  /** Adds an entry at the end. Removes it from the list that holds it, if any. */
  push(entry: ListEntry<T>): void {
    entry.list?.remove(entry);
    entry.list = this;
    entry.previous = this.#last;
    if (this.#last) this.#last.next = entry;
    else this.#first = entry;
    this.#last = entry;
    this.#size++;
  }

  /** Removes an entry of this list. */
  remove(entry: ListEntry<T>): void {
    const { previous, next } = entry;
    if (previous) previous.next = next;
    else this.#first = next;
    if (next) next.previous = previous;
    else this.#last = previous;
    this.#size--;
    entry.list = undefined;
    entry.previous = undefined;
    entry.next = undefined;
  }

  *[Symbol.iterator](): Iterator<T> {
    for (let entry = this.#first; entry; entry = entry.next) yield entry.value;
  }
}
