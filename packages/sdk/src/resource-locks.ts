import { setTimeout as delay } from 'node:timers/promises';
import { limits } from './limits.ts';
import { retry } from './plugin-error.ts';

/**
 * Runs the calls for one resource one after another. The stream or connection of a call may break, or its deadline pass, while the
 * function of the author still runs; the controller then makes another call, which waits here for the end of that function.
 */
export class ResourceLocks {
  readonly #timeout: number;
  /** End of the last call, by the uid of the resource. */
  readonly #ends = new Map<string, Promise<void>>();

  /** @param timeout longest wait for an earlier call, in milliseconds. */
  constructor(timeout: number = limits.serving.earlierCallTimeout) {
    this.#timeout = timeout;
  }

  /**
   * Does work when the earlier calls for a resource have ended. Rejects with the reason of the signal, or with a retryable error if
   * they take longer than the timeout; the work is not done then.
   *
   * @param uid of the resource; without one, the work is done immediately.
   */
  async run<T>(uid: string | undefined, signal: AbortSignal, work: () => T | Promise<T>): Promise<T> {
    if (!uid) return await work();
    const earlier = this.#ends.get(uid);
    const ended = Promise.withResolvers<void>();
    const end = earlier ? Promise.all([earlier, ended.promise]).then(() => undefined) : ended.promise;
    this.#ends.set(uid, end);
    void end.then(() => {
      if (this.#ends.get(uid) === end) this.#ends.delete(uid);
    });
    try {
      if (earlier) await this.#wait(earlier, signal);
      return await work();
    } finally {
      ended.resolve();
    }
  }

  async #wait(earlier: Promise<void>, signal: AbortSignal): Promise<void> {
    const waiting = new AbortController();
    const options = { signal: AbortSignal.any([signal, waiting.signal]) };
    const timer = delay(this.#timeout, 'timeout' as const, options);
    try {
      const first = await Promise.race([earlier, timer]);
      if (first !== 'timeout') return;
    } catch {
      signal.throwIfAborted();
    } finally {
      waiting.abort();
      timer.catch(() => undefined);
    }
    const message = `an earlier call for this resource is still running after ${this.#timeout} ms; it must stop when its signal is aborted`;
    throw retry(message, { reason: 'EarlierCallRunning' });
  }
}
