import { Code } from '@connectrpc/connect';
import { codeFromHttpStatus, codeToString } from '@connectrpc/connect/protocol-connect';
import type { AnyRequest, AnyResponse } from './any-http.ts';

/** Denial of a request. */
export interface Denial {
  /** HTTP status: 401, 403, 415, 429 or 503. */
  status: number;
  /** Reason and remedy, in one line. */
  message: string;
  /** Further headers, such as `www-authenticate`. */
  headers?: Readonly<Record<string, string>>;
}

/** Returns the code of a denial with an HTTP status. */
export function codeOfStatus(status: number): Code {
  return status === 401 ? Code.Unauthenticated : codeFromHttpStatus(status);
}

/** Answers a request that is denied, in the format that its client reads: gRPC, Connect, or text. */
export function denyRequest(
  request: AnyRequest,
  response: AnyResponse,
  { status, message, headers = {} }: Denial,
): void {
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
  const type = request.headers['content-type'] ?? '';
  const code = codeOfStatus(status);
  if (type.startsWith('application/grpc')) {
    response.statusCode = 200;
    response.setHeader('content-type', type);
    response.setHeader('grpc-status', String(code));
    response.setHeader('grpc-message', encodeURIComponent(message));
    response.end();
    return;
  }
  response.statusCode = status;
  const isConnect = /^application\/(json|proto|connect\+)/.test(type);
  response.setHeader('content-type', isConnect ? 'application/json' : 'text/plain; charset=utf-8');
  if (isConnect) response.end(JSON.stringify({ code: codeToString(code), message }));
  else response.end(`${message}\n${isForPeople(request) ? adviceForPeople : ''}`);
}

const adviceForPeople = '\nTo open the page with your own rights, run: kplug ui\nSee also docs/page.md.\n';

/** Reports whether a browser asks for a page to show. */
function isForPeople({ method, headers }: AnyRequest): boolean {
  return method === 'GET' && (headers.accept ?? '').includes('text/html');
}
