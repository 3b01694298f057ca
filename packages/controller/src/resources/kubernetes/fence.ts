import { KplugError } from '../../errors.ts';

/**
 * Fence against writes while another controller may lead. The process may be suspended at any point, so the time is checked before each
 * write, on both clocks: the monotonic one may stand still while a machine sleeps.
 */
export class Fence {
  readonly #closing = new AbortController();
  #until = { monotonic: Number.NEGATIVE_INFINITY, wall: Number.NEGATIVE_INFINITY };

  /** Aborted when the fence is closed permanently. */
  get signal(): AbortSignal {
    return this.#closing.signal;
  }

  /** True if writes are allowed now. */
  get isOpen(): boolean {
    const { monotonic, wall } = this.#until;
    return !this.signal.aborted && performance.now() < monotonic && Date.now() < wall;
  }

  /** Allows writes for `duration` milliseconds after `from`, a time of `performance.now()`. */
  open(duration: number, from: number): void {
    const monotonic = from + duration;
    this.#until = { monotonic, wall: Date.now() + monotonic - performance.now() };
  }

  /** Closes the fence permanently, and aborts writes in progress. */
  close(reason: string): void {
    this.#closing.abort(new KplugError('LeadershipLost', reason));
  }

  /** Throws `LeadershipLost` when writes are not allowed. */
  check(): void {
    this.signal.throwIfAborted();
    if (!this.isOpen) throw new KplugError('LeadershipLost', 'Writes are not allowed, as another controller may lead.');
  }
}
