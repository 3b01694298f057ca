import { limits } from '../../limits/limits.ts';
import type { EventSink } from '../../resources/cluster-services.ts';
import type { ResourceKey } from '../../resources/resource.ts';

const { progressEventInterval } = limits.delegation;

/** Events about progress, at most one per interval for each resource. The status has the others. */
export class ProgressEvents {
  readonly #events: EventSink;
  /** Times of the last Events, oldest first, in milliseconds by `performance.now()`. */
  readonly #recordedAt = new Map<ResourceKey, number>();

  constructor(events: EventSink) {
    this.#events = events;
  }

  /** Records an Event, unless one about the resource was recorded within the interval. */
  record(key: ResourceKey, message: string): void {
    const now = performance.now();
    this.#dropOld(now);
    if (this.#recordedAt.has(key)) return;
    this.#recordedAt.set(key, now);
    this.#events.record(key, { type: 'Normal', reason: 'InProgress', message });
  }

  #dropOld(now: number): void {
    for (const [key, at] of this.#recordedAt) {
      if (now - at < progressEventInterval) return;
      this.#recordedAt.delete(key);
    }
  }
}
