import { KplugError } from '../../errors.ts';

/**
 * Keeps a controller from writing when another one may lead. The process may have been stopped for any time between two
 * of its steps, so the time is looked at before each write, on both clocks: one of them stands still while a machine sleeps.
 */
export class Fence {
  readonly #closing = new AbortController();
  #until = { monotonic: Number.NEGATIVE_INFINITY, wall: Number.NEGATIVE_INFINITY };

  /** Aborted when it is closed for good. */
  get signal(): AbortSignal {
    return this.#closing.signal;
  }

  /** Whether writing is allowed now. */
  get isOpen(): boolean {
    const { monotonic, wall } = this.#until;
    return !this.signal.aborted && performance.now() < monotonic && Date.now() < wall;
  }

  /** Lets writes through for a time in milliseconds, counted from a moment by `performance.now()`. */
  open(duration: number, from: number): void {
    const monotonic = from + duration;
    this.#until = { monotonic, wall: Date.now() + monotonic - performance.now() };
  }

  /** Lets nothing through any more, and aborts what is under way. */
  close(reason: string): void {
    this.#closing.abort(new KplugError('LeadershipLost', reason));
  }

  /** Throws `LeadershipLost` when writing is not allowed. */
  check(): void {
    this.signal.throwIfAborted();
    if (!this.isOpen) throw new KplugError('LeadershipLost', 'Nothing may be written, as another controller may lead.');
  }
}
