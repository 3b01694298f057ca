import { isJsonObject } from '../json.ts';
import type { JsonValue } from '../resource.ts';
import { ApiError } from './api-error.ts';
import { collectionPath } from './api-path.ts';
import type { ServedKind } from './discovery.ts';
import type { Transport } from './transport.ts';

/** How many objects a page has. */
const pageSize = 500;

/** What to list. */
export interface ListRequest {
  served: ServedKind;
  /** Missing for all namespaces. */
  namespace: string | undefined;
  /** Whether to ask for everything at once, because the pages grew too old before they had all come. */
  whole: boolean;
  signal: AbortSignal;
}

/**
 * Lists the objects of a kind in pages, and returns the version that a watch goes on from. Rejects with an `ApiError`; with
 * `Gone` when the list has to begin anew.
 */
export async function listPages(
  transport: Transport,
  { served, namespace, whole, signal }: ListRequest,
  onPage: (items: readonly JsonValue[]) => void,
): Promise<string> {
  const base = collectionPath(served, namespace);
  let next = '';
  for (;;) {
    const query = new URLSearchParams(whole ? {} : { limit: String(pageSize), ...(next && { continue: next }) });
    const path = `${base}?${query}`;
    const list = await transport.request({ method: 'GET', path, verb: 'list', resource: served.plural, signal });
    const { items, metadata } = list;
    if (!isJsonObject(metadata) || typeof metadata.resourceVersion !== 'string') {
      throw new ApiError('Failed', `the answer to listing ${served.plural} is no list`);
    }
    // No items are `null` in some versions.
    onPage(Array.isArray(items) ? items : []);
    const { continue: token, resourceVersion } = metadata;
    if (typeof token !== 'string' || token === '') return resourceVersion;
    next = token;
  }
}
