import type { IncomingHttpHeaders } from 'node:http';
import type { ConnectRouter } from '@connectrpc/connect';
import { connectNodeAdapter } from '@connectrpc/connect-node';
import { messageOf } from '../errors.ts';
import { limits } from '../limits/limits.ts';
import { formatAddress, isLoopback } from '../registry/address.ts';
import { listenFailed, parseListenAddress } from '../settings/listen-address.ts';
import { type AnyHttpOptions, AnyHttpServer, type AnyRequest, type AnyResponse } from './any-http.ts';
import { checkOrigin, type HostRules, protectiveHeaders } from './check-origin.ts';
import { type Denial, denyRequest } from './deny-request.ts';
import { type PageAnswer, PageFiles, type PageRequest, type ReadPage } from './page-files.ts';
import { RequestConnections } from './request-connection.ts';

/** Content of an admin, metrics or probe port. A missing part is not served. */
export interface AdminContent {
  /** Read-only Connect services. */
  routes?: (router: ConnectRouter) => void;
  /** Returns the reasons why the controller isn't ready; none when it is. Enables the probes. */
  notReady?: () => readonly string[];
  /** Returns problems of a controller that is ready nevertheless, for `/readyz?verbose`. */
  degraded?: () => readonly string[];
  /** Returns the metrics in the format that a scraper asks for. @param accept its header `Accept`. */
  metrics?: (accept: string | undefined) => Promise<{ contentType: string; text: string }>;
  /** Reads the page for people, which is at `/`. */
  page?: ReadPage | undefined;
}

type Handler = (request: AnyRequest, response: AnyResponse) => void;

/** Request to be authorized, with the security of its connection. */
export interface AdminRequest {
  method: string;
  /** Path without the query, such as `/metrics` or `/kplug.v1.RegistryService/ListPlugins`. */
  path: string;
  query: string;
  headers: IncomingHttpHeaders;
  encrypted: boolean;
  /** Address that the peer counts for. */
  peer: string;
  /** True if the peer is a process of this machine or pod. */
  isSameMachine: boolean;
}

/** Authorizes a request before anything else sees it: returns the denial, or nothing for an allowed one. A rejection denies it, too. */
export type Authorize = (request: AdminRequest) => Promise<Denial | undefined> | Denial | undefined;

/** Options of the ports for users and monitoring. */
export interface AdminServerOptions extends AnyHttpOptions {
  /** Names by which clients address the port, besides IP addresses, `localhost`, and names of a private network. */
  hosts?: readonly string[];
  /** Default: all requests are allowed. */
  authorize?: Authorize;
}

/** Server of one port for users and monitoring: probes, metrics, read-only services, or some of them. */
export class AdminServer {
  readonly #server: AnyHttpServer;
  readonly #texts: ReadonlyMap<string, AnswerText>;
  readonly #page: PageFiles | undefined;
  readonly #advice: string;
  readonly #authorize: Authorize | undefined;
  #hosts: HostRules;
  #address = '';

  constructor(
    { routes, notReady, degraded = () => [], metrics, page }: AdminContent,
    { hosts = [], authorize, ...options }: AdminServerOptions = {},
  ) {
    this.#authorize = authorize;
    this.#hosts = { isLoopback: true, names: new Set(hosts.map((host) => host.toLowerCase())) };
    this.#page = page && new PageFiles(page);
    this.#texts = new Map<string, AnswerText>([
      ...(notReady ? probes(notReady, degraded) : []),
      ...(metrics ? [['/metrics', answerMetrics(metrics)] as const] : []),
    ]);
    const all = [
      ...(page ? ['/'] : []),
      ...this.#texts.keys(),
      ...(routes ? ['POST /kplug.v1.RegistryService/ListPlugins'] : []),
    ];
    this.#advice = `not found; try ${all.join(', ').replace(/, ([^,]*)$/, ' or $1')}\n`;
    const fallback = (request: PageRequest, response: PageAnswer) => void this.#serve(request, response);
    const connections = new RequestConnections((request) => this.#server.securityOf(request));
    const contextValues = connections.contextOf.bind(connections);
    const readMaxBytes = limits.admin.maxMessageSize;
    const connect =
      routes && connections.recording(connectNodeAdapter({ routes, readMaxBytes, fallback, contextValues }));
    const handler: Handler = connect ?? fallback;
    this.#server = new AnyHttpServer((request, response) => void this.#receive(request, response, handler), options);
  }

  /** Address of the server, once it listens. */
  get address(): string {
    return this.#address;
  }

  /** Starts to listen. `option` names the address in errors. Rejects with `PortInUse`. */
  async listen(bindAddress: string, option: string): Promise<void> {
    const { host, port } = parseListenAddress(bindAddress, option);
    this.#hosts = { ...this.#hosts, isLoopback: isLoopback(host) };
    try {
      const bound = await this.#server.listen(host, port);
      this.#address = formatAddress({ host: host || 'localhost', port: bound });
    } catch (cause) {
      throw listenFailed(option, bindAddress, cause);
    }
  }

  close(): Promise<void> {
    return this.#server.close();
  }

  /** Passes a request to its handler, unless it is denied. */
  async #receive(request: AnyRequest, response: AnyResponse, handler: Handler): Promise<void> {
    for (const [name, value] of Object.entries(protectiveHeaders)) response.setHeader(name, value);
    let denial = checkOrigin(request, this.#hosts);
    if (!denial && this.#authorize) denial = await this.#askFor(request, this.#authorize);
    // The client may have gone meanwhile.
    if (response.writableEnded || response.destroyed) return;
    if (denial) denyRequest(request, response, denial);
    else handler(request, response);
  }

  async #askFor(request: AnyRequest, authorize: Authorize): Promise<Denial | undefined> {
    const { method = '', url = '', headers } = request;
    const security = this.#server.securityOf(request);
    if (!security) return { status: 503, message: 'the connection is closed' };
    const { encrypted, peer, isSameMachine } = security;
    const [path = '', query = ''] = url.split('?', 2);
    try {
      return await authorize({ method, path, query, headers, encrypted, peer, isSameMachine });
    } catch (error) {
      return { status: 503, message: `the request could not be authorized: ${messageOf(error)}` };
    }
  }

  async #serve(request: PageRequest, response: PageAnswer): Promise<void> {
    try {
      const { method, url = '' } = request;
      const [path = '', query = ''] = url.split('?', 2);
      const isRead = method === 'GET' || method === 'HEAD';
      const text = isRead ? this.#texts.get(path) : undefined;
      if (text) return send(response, await text(new URLSearchParams(query), request.headers.accept));
      if (isRead && (await this.#page?.serve(path, request, response))) return;
      send(response, { status: 404, text: this.#advice });
    } catch (error) {
      send(response, { status: 500, text: `${messageOf(error)}\n` });
    }
  }
}

/**
 * Answers to probes. Problems that a restart or another endpoint doesn't solve are no reason to be not ready: the heartbeat Service would
 * lose its endpoint, and the plugins their leases. `/readyz?verbose` names them, in the format of the API server.
 */
function probes(notReady: () => readonly string[], degraded: () => readonly string[]): [string, AnswerText][] {
  const ready = async (query: URLSearchParams) => {
    const reasons = notReady();
    if (reasons.length > 0) return { status: 503, text: `${reasons.join('\n')}\n` };
    if (!query.has('verbose')) return ok;
    const problems = degraded();
    const checks = [
      '[+]controller ok',
      ...(problems.length > 0 ? problems.map((one) => `[!]${one}`) : ['[+]writes ok']),
    ];
    return { status: 200, text: [...checks, 'readyz check passed', ''].join('\n') };
  };
  return [
    ['/healthz', async () => ok],
    ['/readyz', ready],
  ];
}

function answerMetrics(metrics: NonNullable<AdminContent['metrics']>): AnswerText {
  return async (_, accept) => ({ status: 200, ...(await metrics(accept)) });
}

/** Answers a request with a text. @param accept header `Accept` of the request. */
type AnswerText = (query: URLSearchParams, accept: string | undefined) => Promise<Text>;

/** Text that answers a request. */
interface Text {
  status: number;
  text: string;
  contentType?: string;
}

const ok: Text = { status: 200, text: 'ok\n' };

function send(response: PageAnswer, { status, text, contentType = 'text/plain; charset=utf-8' }: Text): void {
  response.statusCode = status;
  response.setHeader('content-type', contentType);
  response.end(text);
}
