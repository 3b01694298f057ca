import { formatJson } from '@kplug/protocol';
import { isJsonObject } from '../json.ts';
import type { JsonObject } from '../resource.ts';
import { ApiError } from './api-error.ts';
import type { Transport } from './transport.ts';

/** Content of a Lease. */
export interface LeaseContent {
  /** Identity of the leader; empty when there is none. */
  holder: string;
  /** Time without a renewal after which the Lease expires, in milliseconds. */
  duration: number;
  acquireTime: string;
  renewTime: string;
  /** Number of changes of the holder. */
  transitions: number;
}

/** Lease as the API server stores it. */
export interface StoredLease {
  content: LeaseContent;
  resourceVersion: string;
  /** All metadata, with labels and annotations of other clients. */
  metadata: JsonObject;
}

/** Reads and writes a `coordination.k8s.io/v1` Lease. All methods reject with an `ApiError`. */
export class LeaseLock {
  readonly #transport: Transport;
  readonly #collection: string;
  readonly name: string;
  readonly namespace: string;

  constructor(transport: Transport, { namespace, name }: { namespace: string; name: string }) {
    this.#transport = transport;
    this.#collection = `/apis/coordination.k8s.io/v1/namespaces/${encodeURIComponent(namespace)}/leases`;
    this.name = name;
    this.namespace = namespace;
  }

  /** Reads the Lease; `undefined` when it doesn't exist. */
  async read(signal: AbortSignal): Promise<StoredLease | undefined> {
    try {
      return readLease(await this.#request('GET', 'get', this.#path, undefined, signal));
    } catch (error) {
      if (error instanceof ApiError && error.reason === 'NotFound') return undefined;
      throw error;
    }
  }

  /** Creates the Lease. `Conflict`: it already exists. */
  async create(content: LeaseContent, signal: AbortSignal): Promise<StoredLease> {
    const body = this.#object({ name: this.name, namespace: this.namespace }, content);
    return readLease(await this.#request('POST', 'create', this.#collection, body, signal));
  }

  /** Replaces the Lease that was read. `Conflict`: another client has written it since. */
  async update({ metadata }: StoredLease, content: LeaseContent, signal: AbortSignal): Promise<StoredLease> {
    return readLease(await this.#request('PUT', 'update', this.#path, this.#object(metadata, content), signal));
  }

  get #path(): string {
    return `${this.#collection}/${encodeURIComponent(this.name)}`;
  }

  #object(metadata: JsonObject, { holder, duration, acquireTime, renewTime, transitions }: LeaseContent): JsonObject {
    return {
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      metadata,
      spec: {
        holderIdentity: holder,
        leaseDurationSeconds: Math.max(1, Math.round(duration / 1_000)),
        acquireTime,
        renewTime,
        leaseTransitions: transitions,
      },
    };
  }

  #request(
    method: 'GET' | 'POST' | 'PUT',
    verb: string,
    path: string,
    body: JsonObject | undefined,
    signal: AbortSignal,
  ): Promise<JsonObject> {
    return this.#transport.request({
      method,
      path,
      verb,
      resource: 'leases',
      ...(body && { body: formatJson(body), contentType: 'application/json' }),
      signal,
      isUnfenced: true,
    });
  }
}

function readLease({ metadata, spec }: JsonObject): StoredLease {
  if (!isJsonObject(metadata)) throw new ApiError('Failed', 'the Lease has no metadata');
  const fields = isJsonObject(spec) ? spec : {};
  return {
    metadata,
    resourceVersion: String(metadata.resourceVersion ?? ''),
    content: {
      holder: String(fields.holderIdentity ?? ''),
      duration: Number(fields.leaseDurationSeconds ?? 0) * 1_000,
      acquireTime: String(fields.acquireTime ?? ''),
      renewTime: String(fields.renewTime ?? ''),
      transitions: Number(fields.leaseTransitions ?? 0),
    },
  };
}
