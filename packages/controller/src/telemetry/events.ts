import { printable, printableLines } from '@kplug/protocol';
import type { Logger } from 'pino';
import { limits } from '../limits/limits.ts';
import { LinkedList, ListEntry } from '../queue/linked-list.ts';
import { TokenBucket } from '../queue/token-bucket.ts';
import type { EventSink, ResourceEvent } from '../resources/cluster-services.ts';
import { cutText } from '../resources/cut-text.ts';
import type { ResourceKey } from '../resources/resource.ts';

/** An Event with the number of its occurrences. */
export interface RecordedEvent extends ResourceEvent {
  count: number;
  /** Milliseconds since the epoch. */
  lastAt: number;
}

/** Event in a list of the Events of all resources. */
export interface ListedEvent extends RecordedEvent {
  /** Resource that the Event is about. */
  regarding: ResourceKey;
  /** Position of the last occurrence among those of all Events, from 1. */
  position: number;
}

/** Largest number of different Events that are held for a resource. */
const maxPerResource = limits.telemetry.maxEventsPerResource;

const { maxListedEvents, maxEventLength, maxLoggedOnce, eventLineBurst, eventLineInterval } = limits.telemetry;

/** Reasons of Events whose message is equal for many resources. */
const loggedOnce: ReadonlySet<string> = new Set(['UpdatedWithoutAnswer', 'DeletedWithoutAnswer', 'Overwritten']);

/** Holds the latest Events of each resource in memory, logs each new one, and forwards all to another sink. */
export class RecentEvents implements EventSink {
  readonly #log: Logger;
  readonly #sink: EventSink | undefined;
  readonly #onRecord: (event: ListedEvent) => void;
  readonly #events = new Map<ResourceKey, ListEntry<ListedEvent>[]>();
  /** Latest Events of all resources, oldest first. */
  readonly #latest = new LinkedList<ListedEvent>();
  #position = 0;
  #dropped = 0;
  /** Messages that were logged and are not logged for other resources. */
  readonly #logged = new Set<string>();
  readonly #lines = new TokenBucket({ burst: eventLineBurst, interval: eventLineInterval });
  /** Number of Events that were not logged since the last one that was. */
  #unlogged = 0;

  /**
   * @param sink shows Events to users.
   * @param onRecord called with each Event, also if it isn't new. Must not throw.
   */
  constructor(log: Logger, sink?: EventSink, onRecord: (event: ListedEvent) => void = () => undefined) {
    this.#log = log;
    this.#sink = sink;
    this.#onRecord = onRecord;
  }

  record(regarding: ResourceKey, event: ResourceEvent): void {
    const { type, reason, message } = event;
    if (!this.recordUnlogged(regarding, event) || isLoggedElsewhere(reason) || this.#isLogged(event)) return;
    if (!this.#lines.take()) {
      this.#unlogged++;
      return;
    }
    const text = printable(message, maxEventLength);
    if (this.#unlogged > 0) this.#log.warn(`${this.#unlogged} Events were not logged, as there were too many`);
    this.#unlogged = 0;
    if (type === 'Warning' && !isExpected(reason)) this.#log.warn({ resource: regarding, reason }, text);
    else this.#log.info({ resource: regarding, reason }, text);
  }

  /** Records an Event that is logged elsewhere. Reports whether it is new. */
  recordUnlogged(regarding: ResourceKey, event: ResourceEvent): boolean {
    const { type, reason } = event;
    // Tools print it as it is.
    const message = cutText(printableLines(cutText(event.message, maxEventLength)), maxEventLength);
    this.#sink?.record(regarding, { ...event, message });
    const events = this.#events.get(regarding) ?? [];
    const index = events.findIndex(({ value }) => isEqual(value, type, reason, message));
    const [known] = index < 0 ? [] : events.splice(index, 1);
    const position = ++this.#position;
    const count = (known?.value.count ?? 0) + 1;
    const recorded = { type, reason, message, count, lastAt: Date.now(), regarding, position };
    const entry = new ListEntry(recorded);
    events.push(entry);
    const oldest = events.length > maxPerResource ? events.shift() : undefined;
    this.#events.set(regarding, events);
    this.#list(entry, [known, oldest]);
    this.#onRecord(recorded);
    return known === undefined;
  }

  /** Adds an Event to the latest ones, instead of former ones. */
  #list(entry: ListEntry<ListedEvent>, former: readonly (ListEntry<ListedEvent> | undefined)[]): void {
    for (const one of former) this.#unlist(one);
    this.#latest.push(entry);
    if (this.#latest.size <= maxListedEvents) return;
    this.#unlist(this.#latest.first);
    this.#dropped++;
  }

  #unlist(entry: ListEntry<ListedEvent> | undefined): void {
    if (entry?.list) this.#latest.remove(entry);
  }

  /** Reports whether the message of an Event was logged for another resource and needs no other log line. */
  #isLogged({ reason, message }: ResourceEvent): boolean {
    if (!loggedOnce.has(reason)) return false;
    if (this.#logged.has(message)) return true;
    if (this.#logged.size < maxLoggedOnce) this.#logged.add(message);
    return false;
  }

  /** Returns the Events of a resource, oldest first. */
  of(regarding: ResourceKey): readonly ListedEvent[] {
    return (this.#events.get(regarding) ?? []).map(({ value }) => value);
  }

  /** Latest Events of all resources, oldest first. */
  get latest(): Iterable<ListedEvent> {
    return this.#latest;
  }

  /** Position of the newest Event; 0 before the first one. */
  get position(): number {
    return this.#position;
  }

  /** Number of Events that are no longer among the latest ones of all resources, as there were too many. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Removes the Events of a resource that is gone. */
  forget(regarding: ResourceKey): void {
    for (const entry of this.#events.get(regarding) ?? []) this.#unlist(entry);
    this.#events.delete(regarding);
  }
}

function isEqual(event: ResourceEvent, type: string, reason: string, message: string): boolean {
  return event.reason === reason && event.message === message && event.type === type;
}

/** Reports whether a reason is logged once for all resources. */
function isLoggedElsewhere(reason: string): boolean {
  return reason === 'PluginSuspended';
}

/** Reports whether a Warning is a normal state of the operator: resources wait for plugins at each start. */
function isExpected(reason: string): boolean {
  return reason === 'NoPlugin';
}
