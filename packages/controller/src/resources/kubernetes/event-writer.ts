import { createHash } from 'node:crypto';
import { formatJson } from '@kplug/protocol';
import type { Logger } from 'pino';
import { messageOf } from '../../errors.ts';
import { limits } from '../../limits/limits.ts';
import { TokenBucket } from '../../queue/token-bucket.ts';
import { type JsonObject, parseKey, type Resource, type ResourceKey } from '../resource.ts';
import type { EventSink, ResourceEvent } from '../services/event-sink.ts';
import { ApiError } from './api-error.ts';
import { microTime } from './micro-time.ts';
import { missingRule } from './missing-rule.ts';
import type { Transport } from './transport.ts';

/** Options of an `EventWriter`. */
export interface EventWriterOptions {
  /** Name of the controller, as a qualified name. */
  reportingController: string;
  /** Name of the process, for example of its pod. */
  reportingInstance: string;
  /** Shortest interval between writes of a repeated Event, in milliseconds. Default 60,000. */
  repeatInterval?: number;
  logger: Logger;
}

/** Written Event, and the number of times that it was recorded. */
interface Series {
  regarding: ResourceKey;
  /** Name of the Event object. */
  name: string;
  namespace: string;
  count: number;
  written: number;
  lastAt: number;
  timer: NodeJS.Timeout | undefined;
}

// The series and the limit of new Events per resource are those of client-go.
const { seriesTimeout, maxWaiting, maxSeries, maxNoteSize } = limits.events;
const eventLimit = { burst: limits.events.burst, interval: limits.events.refillInterval };

/**
 * Writes Events of `events.k8s.io/v1`. Equal Events become a series, whose count is written at intervals. New Events are rate-limited per
 * resource. A failure to write is logged and the Event is lost, as Events are hints.
 */
export class EventWriter implements EventSink {
  readonly #transport: Transport;
  readonly #find: (key: ResourceKey) => Resource | undefined;
  readonly #options: EventWriterOptions & { repeatInterval: number };
  readonly #series = new Map<string, Series>();
  readonly #buckets = new Map<ResourceKey, TokenBucket>();
  #waiting = 0;
  #writing: Promise<void> = Promise.resolve();
  #failure = '';
  #closed = false;

  constructor(transport: Transport, find: (key: ResourceKey) => Resource | undefined, options: EventWriterOptions) {
    this.#transport = transport;
    this.#find = find;
    this.#options = { repeatInterval: limits.events.repeatInterval, ...options };
  }

  record(regarding: ResourceKey, event: ResourceEvent): void {
    if (this.#closed) return;
    const resource = this.#find(regarding);
    if (!resource) return;
    const id = createHash('sha256')
      .update(formatJson([resource.metadata.uid, event.type, event.reason, event.message]))
      .digest('hex')
      .slice(0, 16);
    const known = this.#series.get(id);
    if (known && Date.now() - known.lastAt < seriesTimeout) this.#repeat(known);
    else if (this.#mayStart(regarding)) this.#start(id, regarding, resource, event);
  }

  #start(id: string, regarding: ResourceKey, resource: Resource, event: ResourceEvent): void {
    const { namespace = 'default', name } = resource.metadata;
    const series: Series = {
      regarding,
      name: `${name.slice(0, 200)}.${id}.${Date.now().toString(36)}`,
      namespace,
      count: 1,
      written: 0,
      lastAt: Date.now(),
      timer: undefined,
    };
    this.#remember(id, series);
    this.#enqueue(() => this.#create(series, resource, event));
  }

  /** Records nothing more. Fulfilled when the waiting Events have been written. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const { timer } of this.#series.values()) clearTimeout(timer);
    await this.#writing;
  }

  #repeat(series: Series): void {
    series.count += 1;
    series.lastAt = Date.now();
    series.timer ??= setTimeout(() => {
      series.timer = undefined;
      this.#enqueue(() => this.#update(series));
    }, this.#options.repeatInterval).unref();
  }

  #mayStart(regarding: ResourceKey): boolean {
    let bucket = this.#buckets.get(regarding);
    if (!bucket) {
      bucket = new TokenBucket(eventLimit);
      this.#buckets.set(regarding, bucket);
      if (this.#buckets.size > maxSeries) this.#buckets.delete(this.#buckets.keys().next().value ?? '');
    }
    return bucket.take();
  }

  #remember(id: string, series: Series): void {
    this.#series.delete(id);
    this.#series.set(id, series);
    if (this.#series.size <= maxSeries) return;
    for (const [oldest, { timer }] of this.#series) {
      clearTimeout(timer);
      this.#series.delete(oldest);
      return;
    }
  }

  /** Queues a write. Writes are made one after the other, so that Events stay in order and don't crowd out other requests. */
  #enqueue(write: () => Promise<void>): void {
    if (this.#waiting >= maxWaiting) {
      this.#fail(`${maxWaiting} are waiting; further ones are dropped`);
      return;
    }
    this.#waiting += 1;
    this.#writing = this.#writing.then(async () => {
      try {
        await write();
        this.#failure = '';
      } catch (error) {
        this.#fail(describe(error), error instanceof ApiError ? error.reason : undefined);
      } finally {
        this.#waiting -= 1;
      }
    });
  }

  async #create(series: Series, resource: Resource, { type, reason, message }: ResourceEvent): Promise<void> {
    const { apiVersion, kind, namespace, name } = parseKey(series.regarding);
    const { reportingController, reportingInstance } = this.#options;
    const { uid, resourceVersion } = resource.metadata;
    series.written = 1;
    await this.#send('POST', series, {
      apiVersion: 'events.k8s.io/v1',
      kind: 'Event',
      metadata: { name: series.name, namespace: series.namespace },
      eventTime: microTime(series.lastAt),
      type,
      reason,
      note: shorten(message),
      action: 'Reconcile',
      reportingController,
      reportingInstance,
      regarding: { apiVersion, kind, name, uid, resourceVersion, ...(namespace && { namespace }) },
    });
  }

  async #update(series: Series): Promise<void> {
    if (series.written === series.count) return;
    const { count, lastAt } = series;
    await this.#send('PATCH', series, { series: { count, lastObservedTime: microTime(lastAt) } });
    series.written = count;
  }

  async #send(method: 'POST' | 'PATCH', { namespace, name }: Series, body: JsonObject): Promise<void> {
    const collection = `/apis/events.k8s.io/v1/namespaces/${encodeURIComponent(namespace)}/events`;
    await this.#transport.request({
      method,
      path: method === 'POST' ? collection : `${collection}/${encodeURIComponent(name)}`,
      verb: method === 'POST' ? 'create' : 'patch',
      resource: 'events',
      contentType: method === 'POST' ? 'application/json' : 'application/merge-patch+json',
      body: formatJson(body),
    });
  }

  /**
   * Logs a failure once for as long as its kind stays the same.
   *
   * @param kind kind of the failure, as a message may contain the name of the Event.
   */
  #fail(message: string, kind = message): void {
    if (this.#failure !== kind) this.#options.logger.warn(`Events can't be written: ${message}`);
    this.#failure = kind;
  }
}

function describe(error: unknown): string {
  if (!(error instanceof ApiError) || error.reason !== 'Forbidden') return messageOf(error);
  const right = { group: 'events.k8s.io', resource: 'events', verbs: ['create', 'patch'], namespace: undefined };
  return missingRule(right);
}

function shorten(note: string): string {
  if (Buffer.byteLength(note) <= maxNoteSize) return note;
  // A character that is cut in two decodes to U+FFFD.
  const cut = Buffer.from(note).toString('utf8', 0, maxNoteSize - 3);
  return `${cut.replace(/\uFFFD$/, '')}…`;
}
