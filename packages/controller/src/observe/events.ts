import type { Logger } from 'pino';
import type { ResourceKey } from '../resources/resource.ts';

/** An Event about a resource. */
export interface ResourceEvent {
  type: 'Normal' | 'Warning';
  /** Why, in one PascalCase word. */
  reason: string;
  message: string;
}

/** An Event as it is kept: equal ones are counted, not repeated. */
export interface RecordedEvent extends ResourceEvent {
  count: number;
  /** Milliseconds since the epoch. */
  lastAt: number;
}

/** Where Events go. Recording never fails and never waits. */
export interface EventSink {
  record(regarding: ResourceKey, event: ResourceEvent): void;
}

/** How many different events are kept of each resource. */
const keptPerResource = 20;

/** Keeps the latest events of each resource in memory, and logs each one when it is new. */
export class RecentEvents implements EventSink {
  readonly #log: Logger;
  readonly #events = new Map<ResourceKey, RecordedEvent[]>();

  constructor(log: Logger) {
    this.#log = log;
  }

  record(regarding: ResourceKey, { type, reason, message }: ResourceEvent): void {
    const events = this.#events.get(regarding) ?? [];
    const index = events.findIndex(
      (event) => event.reason === reason && event.message === message && event.type === type,
    );
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
