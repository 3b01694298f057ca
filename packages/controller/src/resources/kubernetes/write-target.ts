import { formatJson } from '@kplug/protocol';
import { type JsonObject, parseKey, type Resource, type ResourceKey } from '../resource.ts';
import { ApiError } from './api-error.ts';
import { objectPath } from './api-path.ts';
import type { ServedKind } from './discovery.ts';
import type { KindCache } from './kind-cache.ts';
import { readLive } from './read-live.ts';
import type { Transport } from './transport.ts';
import { writeError } from './write-error.ts';

/** Patch of a resource or of a subresource. */
export interface Patch {
  /** Part that the patch changes, for people. */
  what: string;
  subresource?: 'status';
  contentType: 'application/apply-patch+yaml' | 'application/merge-patch+json';
  query: Record<string, string>;
  body: JsonObject;
  signal: AbortSignal | undefined;
}

/** Result of a patch. `conflict`: the resource has another version, which is given; `gone`: it doesn't exist, or has another UID. */
export type PatchResult =
  | { outcome: 'written' | 'conflict'; resource: Resource }
  | { outcome: 'gone'; resource?: never };

/** Resource to write. */
export class WriteTarget {
  readonly key: ResourceKey;
  /** Resource in the cache when the write began. */
  readonly resource: Resource;
  readonly cache: KindCache;
  readonly #served: ServedKind;
  readonly #transport: Transport;

  constructor(
    key: ResourceKey,
    resource: Resource,
    { cache, served, transport }: { cache: KindCache; served: ServedKind; transport: Transport },
  ) {
    this.key = key;
    this.resource = resource;
    this.cache = cache;
    this.#served = served;
    this.#transport = transport;
  }

  /** True if the kind has a status. */
  get hasStatus(): boolean {
    return this.#served.hasStatus;
  }

  /** Returns the resource in the cache now. */
  current(): Resource | undefined {
    const { namespace, name } = parseKey(this.key);
    return this.cache.get(namespace, name);
  }

  /** Sends a patch, and updates the cache with the result. Rejects with a `KplugError`. */
  async patch({ what, subresource, contentType, query, body, signal }: Patch): Promise<PatchResult> {
    const served = this.#served;
    const { namespace, name } = parseKey(this.key);
    const path = objectPath(served, namespace, name) + (subresource ? `/${subresource}` : '');
    try {
      const answer = await this.#transport.request({
        method: 'PATCH',
        path: `${path}?${new URLSearchParams(query)}`,
        verb: contentType === 'application/apply-patch+yaml' ? 'apply' : 'patch',
        resource: subresource ? `${served.plural}/${subresource}` : served.plural,
        contentType,
        body: formatJson(body),
        signal,
      });
      return { outcome: 'written', resource: this.cache.putWritten(answer).resource };
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (error.reason === 'NotFound') return { outcome: 'gone' };
      if (error.reason === 'Conflict') return this.#resolveConflict(signal);
      throw writeError(error, { key: this.key, what, verb: 'patch', served, ...(subresource && { subresource }) });
    }
  }

  /** Reads the resource from the API server, past the cache. */
  async #resolveConflict(signal: AbortSignal | undefined): Promise<PatchResult> {
    const target = { key: this.key, served: this.#served, transport: this.#transport };
    const resource = await readLive(target, signal);
    const isSame = resource?.metadata.uid === this.resource.metadata.uid;
    return resource && isSame ? { outcome: 'conflict', resource } : { outcome: 'gone' };
  }
}
