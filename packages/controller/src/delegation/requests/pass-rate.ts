import { limits } from '../../limits/limits.ts';
import type { ResourceKey } from '../../resources/resource.ts';

const { passBurst, passInterval } = limits.delegation;

/**
 * Rate limit of the passes over each resource that changes cause, so that one that changes during each call, or whose plugin
 * comes and goes, isn't reconciled in a loop: `passBurst` passes without a pause, and one more after each `passInterval`.
 */
export class PassRate {
  /** Resources that are to be reconciled because of a change. */
  readonly #requested = new Set<ResourceKey>();
  /** Times until which the passes so far are spread, in milliseconds by `performance.now()`. */
  readonly #spreadUntil = new Map<ResourceKey, number>();

  /** Requests a pass because of a change. Returns the delay before it, in milliseconds; 0 if it may start now. */
  request(key: ResourceKey): number {
    this.#requested.add(key);
    const until = this.#spreadUntil.get(key) ?? 0;
    return Math.max(0, Math.round(until - (passBurst - 1) * passInterval - performance.now()));
  }

  /** Records that a pass over a resource starts. */
  start(key: ResourceKey): void {
    if (!this.#requested.delete(key)) return;
    const now = performance.now();
    const until = Math.max(this.#spreadUntil.get(key) ?? now, now) + passInterval;
    this.#spreadUntil.set(key, Math.min(until, now + passBurst * passInterval));
  }

  /** Forgets a resource that is gone. */
  forget(key: ResourceKey): void {
    this.#requested.delete(key);
    this.#spreadUntil.delete(key);
  }
}
