import { formatJson, parseJson } from '@kplug/protocol';
import { KplugError } from '../../errors.ts';
import { isJsonObject, jsonEquals } from '../json.ts';
import type { JsonObject } from '../resource.ts';
import { ApiError, type ApiErrorReason } from './api-error.ts';
import { type ApiRequest, Transport } from './transport.ts';

/** Resource version that no object has, for objects that only a dry run made. */
const noVersion = '1';

/** Reasons of failures that are those of the user or of the connection. */
const unrelatedReasons: ReadonlySet<ApiErrorReason> = new Set([
  'Forbidden',
  'Unauthorized',
  'Busy',
  'Failed',
  'Unreachable',
]);

/** Receives the objects that dry runs change. Must not throw. */
export interface DryRunListener {
  /** Receives an object as it would be. */
  written(object: JsonObject): void;
  /** Receives the last state of an object that would be gone. */
  deleted(object: JsonObject): void;
}

/**
 * Sends each write as a dry run, so that the API server validates it and fills in defaults, and stores nothing. Each dry run starts from what
 * is stored, so the outcomes of several writes of an object are composed here. Only patches and deletions are possible.
 */
export class DryRunTransport extends Transport {
  /** Objects as they are or would be, by path. */
  readonly #objects = new Map<string, JsonObject>();
  /** Resource versions in the cluster, by those that composed objects have. */
  readonly #versions = new Map<string, string>();
  #lastVersion = Number.MAX_SAFE_INTEGER - 1_000_000;
  listener: DryRunListener | undefined;
  /** Message of the first write that failed for a reason that an operator would not have, such as a right that the user lacks. */
  failure: string | undefined;

  /** Records an object as it is stored. */
  know(path: string, object: JsonObject): void {
    this.#objects.set(path, object);
  }

  override async request(request: ApiRequest): Promise<JsonObject> {
    if (request.method === 'GET') return super.request(request);
    const [path = '', query] = request.path.split('?');
    const parameters = new URLSearchParams(query);
    parameters.set('dryRun', 'All');
    const body = this.#bodyOf(request);
    const answer = await this.#send({ ...request, path: `${path}?${parameters}`, body: formatJson(body) });
    const objectPath = path.replace(/\/status$/, '');
    return request.method === 'DELETE'
      ? this.#deleted(objectPath, answer)
      : this.#written(objectPath, answer, path !== objectPath);
  }

  /** Sends a write. Failures of a dry run that say nothing about the write itself are recorded. */
  async #send(request: ApiRequest): Promise<JsonObject> {
    try {
      return await super.request(request);
    } catch (error) {
      if (error instanceof ApiError && unrelatedReasons.has(error.reason)) this.failure ??= error.message;
      throw error;
    }
  }

  #bodyOf({ method, body = '{}' }: ApiRequest): JsonObject {
    const given = parseJson(body) as JsonObject;
    // A deletion with a body ignores the query.
    if (method === 'DELETE') return { ...given, ...this.#withVersion(given, 'preconditions'), dryRun: ['All'] };
    if (method === 'PATCH') return { ...given, ...this.#withVersion(given, 'metadata') };
    throw new KplugError('StorageFailed', `a dry run can't send ${method} requests`);
  }

  #withVersion(body: JsonObject, field: 'metadata' | 'preconditions'): JsonObject {
    const content = body[field];
    if (!isJsonObject(content) || typeof content.resourceVersion !== 'string') return {};
    return {
      [field]: { ...content, resourceVersion: this.#versions.get(content.resourceVersion) ?? content.resourceVersion },
    };
  }

  /** Composes an object from what earlier dry runs changed in it, and the answer to one that wrote its status or the rest. */
  #written(path: string, answer: JsonObject, isStatus: boolean): JsonObject {
    const former = this.#objects.get(path);
    const [kept, changed] = isStatus ? [former ?? answer, answer] : [answer, former];
    const { status: _, ...rest } = kept;
    const metadata = { ...metadataOf(kept), managedFields: metadataOf(answer).managedFields };
    const next: JsonObject = { ...rest, metadata, ...(changed?.status !== undefined && { status: changed.status }) };
    if (former && jsonEquals(comparable(former), comparable(next))) return former;
    return this.#put(path, next, former);
  }

  #deleted(path: string, answer: JsonObject): JsonObject {
    const former = this.#objects.get(path);
    // The answer is a `Status`, or the object. One that waits for its finalizers or its containers is being deleted.
    if (metadataOf(answer).deletionTimestamp !== undefined) return this.#put(path, answer, former);
    this.#objects.delete(path);
    if (former) this.listener?.deleted(former);
    return answer;
  }

  #put(path: string, object: JsonObject, former: JsonObject | undefined): JsonObject {
    this.#lastVersion += 1;
    const resourceVersion = String(this.#lastVersion);
    const known = former && String(metadataOf(former).resourceVersion);
    this.#versions.set(resourceVersion, known === undefined ? noVersion : (this.#versions.get(known) ?? known));
    const next = { ...object, metadata: { ...metadataOf(object), resourceVersion } };
    this.#objects.set(path, next);
    this.listener?.written(next);
    return next;
  }
}

function metadataOf({ metadata }: JsonObject): JsonObject {
  return isJsonObject(metadata) ? metadata : {};
}

function comparable(object: JsonObject): JsonObject {
  const { resourceVersion: _, managedFields: __, ...metadata } = metadataOf(object);
  return { ...object, metadata };
}
