import type { Logger } from 'pino';
import type { EventSink, ResourceEvent } from '../resources/cluster-services.ts';
import type { ResourceKey } from '../resources/resource.ts';

/** An Event as it is kept: equal ones are counted, not repeated. */
export interface RecordedEvent extends ResourceEvent {
  count: number;
  /** Milliseconds since the epoch. */
  lastAt: number;
}

/** How many different events are kept of each resource. */
const keptPerResource = 20;

/** Keeps the latest events of each resource in memory, logs each one when it is new, and hands all on to where users see them. */
export class RecentEvents implements EventSink {
  readonly #log: Logger;
  readonly #further: EventSink | undefined;
  readonly #events = new Map<ResourceKey, RecordedEvent[]>();

  constructor(log: Logger, further?: EventSink) {
    this.#log = log;
    this.#further = further;
  }

  record(regarding: ResourceKey, event: ResourceEvent): void {
    const { type, reason, message } = event;
    this.#further?.record(regarding, event);
    const events = this.#events.get(regarding) ?? [];
    const index = events.findIndex((kept) => kept.reason === reason && kept.message === message && kept.type === type);
    const [known] = index < 0 ? [] : events.splice(index, 1);
    events.push({ type, reason, message, count: (known?.count ?? 0) + 1, lastAt: Date.now() });
    if (events.length > keptPerResource) events.shift();
    this.#events.set(regarding, events);
    if (known) return;
    if (type === 'Warning') this.#log.warn({ resource: regarding, reason }, message);
    else this.#log.info({ resource: regarding, reason }, message);
  }

  /** The events of a resource, oldest first. */
  of(regarding: ResourceKey): readonly RecordedEvent[] {
    return this.#events.get(regarding) ?? [];
  }

  /** Forgets the events of a resource that is gone. */
  forget(regarding: ResourceKey): void {
    this.#events.delete(regarding);
  }
}
