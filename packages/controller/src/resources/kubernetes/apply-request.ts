import { formatJson } from '@kplug/protocol';
import type { ApiRequest } from './transport.ts';

/** Content and place of a server-side apply. */
export interface Apply {
  /** Path of the object or of its subresource. */
  path: string;
  /** Resource as in RBAC, for example `tables/status`. */
  resource: string;
  fieldManager: string;
  body: object;
  signal?: AbortSignal | undefined;
}

/** Returns the request of a server-side apply, with force. */
export function applyRequest({ path, resource, fieldManager, body, signal }: Apply): ApiRequest {
  return {
    method: 'PATCH',
    path: `${path}?${new URLSearchParams({ fieldManager, force: 'true' })}`,
    verb: 'apply',
    resource,
    contentType: 'application/apply-patch+yaml',
    body: formatJson(body),
    signal,
  };
}
