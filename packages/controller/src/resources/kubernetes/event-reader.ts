import { KplugError } from '../../errors.ts';
import { limits } from '../../limits/limits.ts';
import { cutText } from '../cut-text.ts';
import { isJsonObject } from '../json.ts';
import { describeKey, type JsonObject, keyOf, type Resource } from '../resource.ts';
import type { EventReader } from '../services/event-reader.ts';
import { ApiError } from './api-error.ts';
import { missingRule } from './missing-rule.ts';
import type { Transport } from './transport.ts';

const { maxReadEvents, maxReadEventLength } = limits.events;

const group = 'events.k8s.io';

/** Reads Events of `events.k8s.io/v1`. */
export class KubernetesEventReader implements EventReader {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  async lastOf(resource: Resource): Promise<string | undefined> {
    const { namespace = 'default', uid } = resource.metadata;
    const query = new URLSearchParams({ fieldSelector: `regarding.uid=${uid}`, limit: String(maxReadEvents) });
    const path = `/apis/${group}/v1/namespaces/${namespace}/events?${query}`;
    try {
      const { items } = await this.#transport.request({ method: 'GET', path, verb: 'list', resource: 'events' });
      const events = Array.isArray(items) ? items.filter(isJsonObject) : [];
      const last = events.toSorted((a, b) => timeOf(b) - timeOf(a))[0];
      return last && cutText(`${String(last.reason)}: ${String(last.note)}`, maxReadEventLength);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      const subject = `the Events of ${describeKey(keyOf(resource))} can't be read`;
      const rule = missingRule({ group, resource: 'events', verbs: ['list'], namespace });
      const message = error.reason === 'Forbidden' ? `${subject}: ${rule}` : `${subject}: ${error.message}`;
      throw new KplugError('StorageFailed', message, { cause: error });
    }
  }
}

/** Returns the time of the last occurrence of an Event. Events of older clients have it in deprecated fields. */
function timeOf({ series, eventTime, deprecatedLastTimestamp, metadata }: JsonObject): number {
  const lastObserved = isJsonObject(series) ? series.lastObservedTime : undefined;
  const created = isJsonObject(metadata) ? metadata.creationTimestamp : undefined;
  const text = lastObserved ?? deprecatedLastTimestamp ?? eventTime ?? created;
  return Date.parse(String(text)) || 0;
}
