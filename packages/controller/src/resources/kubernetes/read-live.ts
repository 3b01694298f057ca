import { parseKey, type Resource, type ResourceKey } from '../resource.ts';
import { ApiError } from './api-error.ts';
import { objectPath } from './api-path.ts';
import type { ServedKind } from './discovery.ts';
import { readObject, ValuePool } from './read-object.ts';
import type { Transport } from './transport.ts';
import { writeError } from './write-error.ts';

/** Resource to read. */
export interface LiveTarget {
  key: ResourceKey;
  served: ServedKind;
  transport: Transport;
}

/** Reads a resource from the API server, past the cache. Returns `undefined` if it doesn't exist. Rejects with a `KplugError`. */
export async function readLive(
  { key, served, transport }: LiveTarget,
  signal: AbortSignal | undefined,
): Promise<Resource | undefined> {
  const { namespace, name } = parseKey(key);
  const path = objectPath(served, namespace, name);
  try {
    const answer = await transport.request({ method: 'GET', path, verb: 'get', resource: served.plural, signal });
    return readObject(answer, served, new ValuePool()).resource;
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    if (error.reason === 'NotFound') return undefined;
    throw writeError(error, { key, what: 'the current version', verb: 'get', served });
  }
}
