import type { Logger } from 'pino';
import { limits } from '../limits/limits.ts';
import type { EventSink, ResourceEvent } from '../resources/cluster-services.ts';
import type { ResourceKey } from '../resources/resource.ts';

/** An Event with the number of its occurrences. */
export interface RecordedEvent extends ResourceEvent {
  count: number;
  /** Milliseconds since the epoch. */
  lastAt: number;
}

/** Largest number of different Events that are held for a resource. */
const maxPerResource = limits.telemetry.maxEventsPerResource;

/** Holds the latest Events of each resource in memory, logs each new one, and forwards all to another sink. */
export class RecentEvents implements EventSink {
  readonly #log: Logger;
  readonly #sink: EventSink | undefined;
  readonly #events = new Map<ResourceKey, RecordedEvent[]>();

  /** @param sink shows Events to users. */
  constructor(log: Logger, sink?: EventSink) {
    this.#log = log;
    this.#sink = sink;
  }

  record(regarding: ResourceKey, event: ResourceEvent): void {
    const { type, reason, message } = event;
    if (!this.recordUnlogged(regarding, event) || isLoggedElsewhere(reason)) return;
    if (type === 'Warning' && !isExpected(reason)) this.#log.warn({ resource: regarding, reason }, message);
    else this.#log.info({ resource: regarding, reason }, message);
  }

  /** Records an Event that is logged elsewhere. Reports whether it is new. */
  recordUnlogged(regarding: ResourceKey, event: ResourceEvent): boolean {
    const { type, reason, message } = event;
    this.#sink?.record(regarding, event);
    const events = this.#events.get(regarding) ?? [];
    const index = events.findIndex((one) => one.reason === reason && one.message === message && one.type === type);
    const [known] = index < 0 ? [] : events.splice(index, 1);
    events.push({ type, reason, message, count: (known?.count ?? 0) + 1, lastAt: Date.now() });
    if (events.length > maxPerResource) events.shift();
    this.#events.set(regarding, events);
    return known === undefined;
  }

  /** Returns the Events of a resource, oldest first. */
  of(regarding: ResourceKey): readonly RecordedEvent[] {
    return this.#events.get(regarding) ?? [];
  }

  /** Removes the Events of a resource that is gone. */
  forget(regarding: ResourceKey): void {
    this.#events.delete(regarding);
  }
}

/** Reports whether a reason is logged once for all resources. */
function isLoggedElsewhere(reason: string): boolean {
  return reason === 'PluginSuspended';
}

/** Reports whether a Warning is a normal state of the operator: resources wait for plugins at each start. */
function isExpected(reason: string): boolean {
  return reason === 'NoPlugin';
}
