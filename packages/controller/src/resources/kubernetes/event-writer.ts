import { createHash } from 'node:crypto';
import type { Logger } from 'pino';
import { messageOf } from '../../errors.ts';
import type { EventSink, ResourceEvent } from '../cluster-services.ts';
import { type JsonObject, parseKey, type Resource, type ResourceKey } from '../resource.ts';
import { ApiError } from './api-error.ts';
import { microTime } from './micro-time.ts';
import { missingRule } from './missing-rule.ts';
import { TokenBucket } from './token-bucket.ts';
import type { Transport } from './transport.ts';

/** Options of an `EventWriter`. */
export interface EventWriterOptions {
  /** Who reports, in the form of a qualified name. */
  reportingController: string;
  /** Which process of it, for example the name of its pod. */
  reportingInstance: string;
  /** How often a repeated Event is written at the most, in milliseconds. Default 60,000. */
  repeatInterval?: number;
  logger: Logger;
}

/** An Event that was written, and how often it was recorded since. */
interface Series {
  regarding: ResourceKey;
  /** Where it was written, once it was. */
  name: string;
  namespace: string;
  count: number;
  written: number;
  lastAt: number;
  timer: NodeJS.Timeout | undefined;
}

/** How long the same Event counts as one series after it was recorded last, as in client-go. In milliseconds. */
const seriesEnd = 6 * 60_000;

/** How many Events may wait to be written; more are dropped, which is logged. */
const mostWaiting = 1_000;

/** How many series are remembered. */
const mostSeries = 10_000;

/** The longest `note` that the API server takes, in bytes. */
const longestNote = 1_024;

/**
 * Writes Events by `events.k8s.io/v1`. Equal ones become a series, whose count is written at intervals; each resource has only so
 * many new ones in a time. An Event that can't be written is logged and lost, as Events are hints.
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
    this.#options = { repeatInterval: 60_000, ...options };
  }

  record(regarding: ResourceKey, event: ResourceEvent): void {
    if (this.#closed) return;
    const resource = this.#find(regarding);
    if (!resource) return;
    const id = createHash('sha256')
      .update(JSON.stringify([resource.metadata.uid, event.type, event.reason, event.message]))
      .digest('hex')
      .slice(0, 16);
    const known = this.#series.get(id);
    if (known && Date.now() - known.lastAt < seriesEnd) this.#repeat(known);
    else if (this.#mayBegin(regarding)) this.#begin(id, regarding, resource, event);
  }

  #begin(id: string, regarding: ResourceKey, resource: Resource, event: ResourceEvent): void {
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

  /** Writes no more, and is fulfilled when what waits has been written. */
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

  #mayBegin(regarding: ResourceKey): boolean {
    let bucket = this.#buckets.get(regarding);
    if (!bucket) {
      // As client-go's: 25 at once, and one more every five minutes.
      bucket = new TokenBucket({ burst: 25, interval: 5 * 60_000 });
      this.#buckets.set(regarding, bucket);
      if (this.#buckets.size > mostSeries) this.#buckets.delete(this.#buckets.keys().next().value ?? '');
    }
    return bucket.take();
  }

  #remember(id: string, series: Series): void {
    this.#series.delete(id);
    this.#series.set(id, series);
    if (this.#series.size <= mostSeries) return;
    for (const [oldest, { timer }] of this.#series) {
      clearTimeout(timer);
      this.#series.delete(oldest);
      return;
    }
  }

  /** One after the other, so that Events appear in order and never crowd out what matters more. */
  #enqueue(write: () => Promise<void>): void {
    if (this.#waiting >= mostWaiting) {
      this.#fail(`${mostWaiting} wait already, and further ones are dropped`);
      return;
    }
    this.#waiting += 1;
    this.#writing = this.#writing.then(async () => {
      try {
        await write();
        this.#failure = '';
      } catch (error) {
        this.#fail(describe(error));
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
      body: JSON.stringify(body),
    });
  }

  /** Said once for as long as it stays the same. */
  #fail(why: string): void {
    if (this.#failure !== why) this.#options.logger.warn(`Events can't be written: ${why}`);
    this.#failure = why;
  }
}

function describe(error: unknown): string {
  if (!(error instanceof ApiError) || error.reason !== 'Forbidden') return messageOf(error);
  const right = { group: 'events.k8s.io', resource: 'events', verbs: ['create', 'patch'], namespace: undefined };
  return missingRule(right);
}

function shorten(note: string): string {
  if (Buffer.byteLength(note) <= longestNote) return note;
  // A character that is cut in two becomes one that says so, and goes.
  const cut = Buffer.from(note).toString('utf8', 0, longestNote - 3);
  return `${cut.replace(/\uFFFD$/, '')}…`;
}
