import type { Readable } from 'node:stream';
import { seconds } from '../limits/limit.ts';
import { limits } from '../limits/limits.ts';

/** Interval in which output is counted, in milliseconds. Short, so that the event loop reads one chunk and turns to others. */
const interval = 10;
const maxBytes = (limits.pluginsFolder.maxOutputRate * interval) / seconds;

/** Limits the rate at which output of a process is read. A process that writes faster waits, as with any pipe. */
export class OutputThrottle {
  readonly #stream: Readable;
  #used = 0;
  #timer: NodeJS.Timeout | undefined;
  #isEnded = false;

  constructor(stream: Readable) {
    this.#stream = stream;
  }

  /** Counts bytes that were read, and pauses the stream for a moment when there were too many. */
  add(bytes: number): void {
    this.#used += bytes;
    if (this.#isEnded) return;
    this.#timer ??= setTimeout(() => this.#reset(), interval);
    if (this.#used > maxBytes) this.#stream.pause();
  }

  /** Reads the rest without a limit, when the process has exited. The pipe has few bytes left. */
  end(): void {
    this.#isEnded = true;
    clearTimeout(this.#timer);
    this.#stream.resume();
  }

  #reset(): void {
    this.#timer = undefined;
    // What was read beyond the limit counts for the next interval, too.
    this.#used = Math.max(0, this.#used - maxBytes);
    if (this.#used > maxBytes) this.add(0);
    else this.#stream.resume();
  }
}
