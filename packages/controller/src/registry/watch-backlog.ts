import { limits } from '../limits/limits.ts';

const { maxBacklog, maxBacklogSize } = limits.watches;

/** Responses that wait for the reader of a watch, with their size in bytes. */
export class WatchBacklog<T> {
  #waiting: { response: T; size: number }[] = [];
  /** Index of the first response that hasn't been taken. */
  #first = 0;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** Reports whether more waits than a reader that keeps up ever causes. */
  get isFull(): boolean {
    return this.#waiting.length - this.#first > maxBacklog || this.#size > maxBacklogSize;
  }

  add(response: T, size: number): void {
    this.#waiting.push({ response, size });
    this.#size += size;
  }

  /** Removes and returns the oldest response. */
  take(): T | undefined {
    const next = this.#waiting[this.#first];
    if (!next) return undefined;
    this.#first++;
    this.#size -= next.size;
    if (this.#first === this.#waiting.length) this.clear();
    return next.response;
  }

  clear(): void {
    this.#waiting = [];
    this.#first = 0;
    this.#size = 0;
  }
}
