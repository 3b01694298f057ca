import { limits } from '../../limits/limits.ts';
import { isJsonObject } from '../json.ts';
import type { JsonValue } from '../resource.ts';
import { ApiError } from './api-error.ts';
import { collectionPath } from './api-path.ts';
import type { ServedKind } from './discovery.ts';
import type { Transport } from './transport.ts';

const { pageSize } = limits.kubernetes;

/** Objects to list. */
export interface ListRequest {
  served: ServedKind;
  /** Missing for all namespaces. */
  namespace: string | undefined;
  /** Lists without pages, because the pages expired before the last one was read. */
  whole: boolean;
  signal: AbortSignal;
}

/**
 * Lists the objects of a kind in pages. Returns the resource version from which a watch continues. Rejects with an `ApiError`; with the
 * reason `Gone` when the list has to be started again.
 */
export async function listPages(
  transport: Transport,
  { served, namespace, whole, signal }: ListRequest,
  onPage: (items: readonly JsonValue[]) => void | Promise<void>,
): Promise<string> {
  const base = collectionPath(served, namespace);
  let next = '';
  for (;;) {
    const query = new URLSearchParams(whole ? {} : { limit: String(pageSize), ...(next && { continue: next }) });
    const path = `${base}?${query}`;
    const list = await transport.request({ method: 'GET', path, verb: 'list', resource: served.plural, signal });
    const { items, metadata } = list;
    if (!isJsonObject(metadata) || typeof metadata.resourceVersion !== 'string') {
      throw new ApiError('Failed', `the response to listing ${served.plural} is not a list`);
    }
    // Some versions of Kubernetes return `null` instead of an empty list.
    await onPage(Array.isArray(items) ? items : []);
    const { continue: token, resourceVersion } = metadata;
    if (typeof token !== 'string' || token === '') return resourceVersion;
    next = token;
  }
}
