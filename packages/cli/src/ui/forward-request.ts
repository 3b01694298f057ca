import http from 'node:http';
import https from 'node:https';
import { pipeline } from 'node:stream';
import { messageOf } from '@kplug/protocol';
import type { Upstream, UpstreamPlace } from './upstream.ts';

/** Request of a browser. */
export interface AskedRequest {
  request: http.IncomingMessage;
  response: http.ServerResponse;
  /** Path at the operator, with the query. */
  path: string;
  /** Returns the header for requests to act; `undefined` to send none. */
  authorization: (() => Promise<string | undefined>) | undefined;
}

/** Requests that need the rights of the user. No other request gets their token. */
const actions = '/kplug.v1.ActionService/';

/** Headers of a browser that the operator needs. Cookies, and what the local port has checked, are not for it. */
const passedOn = ['accept', 'accept-encoding', 'content-type', 'content-length', 'if-none-match', 'user-agent'];

/** Headers of one connection only. */
const hopByHop = new Set(['connection', 'keep-alive', 'transfer-encoding', 'upgrade', 'proxy-authenticate', 'trailer']);

/** Forwards a request to the operator, and its answer, a stream too, to the browser. */
export async function forwardRequest(upstream: Upstream, asked: AskedRequest): Promise<void> {
  const { request, response } = asked;
  try {
    await exchange(await upstream.current(), asked, await headersOf(asked));
  } catch (error) {
    upstream.failed();
    request.resume();
    // A stream that broke is asked for again by the page.
    if (response.headersSent) return void response.destroy();
    response.writeHead(503, { 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-store' });
    response.end(`${messageOf(error)}\n`);
  }
}

async function headersOf({ request, path, authorization }: AskedRequest): Promise<http.OutgoingHttpHeaders> {
  const names = Object.keys(request.headers).filter((name) => passedOn.includes(name) || name.startsWith('connect-'));
  const headers: http.OutgoingHttpHeaders = Object.fromEntries(names.map((name) => [name, request.headers[name]]));
  const token = path.startsWith(actions) ? await authorization?.() : undefined;
  return token === undefined ? headers : { ...headers, authorization: token };
}

/** Fulfilled when the answer has ended, or the browser has gone. Rejects if the operator can't be asked, or breaks off. */
function exchange(
  { url, connection = {}, signal }: UpstreamPlace,
  { request, response, path }: AskedRequest,
  headers: http.OutgoingHttpHeaders,
): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const { request: send } = url.startsWith('https:') ? https : http;
  const options = {
    method: request.method,
    headers: { ...headers, ...connection.headers },
    ...(connection.agent && { agent: connection.agent }),
    ...connection.tls,
    ...(signal && { signal }),
  };
  const sent = send(`${url}${path}`, options, (answer) => {
    const kept = Object.entries(answer.headers).filter(([name]) => !hopByHop.has(name));
    response.writeHead(answer.statusCode ?? 502, Object.fromEntries(kept));
    response.flushHeaders();
    pipeline(answer, response, (error) => (error && !response.destroyed ? reject(error) : resolve()));
  });
  sent.on('error', (error) => (response.destroyed ? resolve() : reject(error)));
  response.once('close', () => {
    sent.destroy();
    resolve();
  });
  pipeline(request, sent, () => undefined);
  return promise;
}
