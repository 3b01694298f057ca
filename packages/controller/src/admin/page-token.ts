import { Code, ConnectError } from '@connectrpc/connect';
import { malformedPageToken } from '../paging/page-request.ts';

/** Returns a page. Throws `invalid_argument` if there is none, as its token is malformed. */
export function orInvalidToken<T>(page: T | undefined): T {
  if (page === undefined) throw new ConnectError(malformedPageToken, Code.InvalidArgument);
  return page;
}
