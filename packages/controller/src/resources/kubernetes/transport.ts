import type { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseJson } from '@kplug/protocol';
import type { KubeConfig } from '@kubernetes/client-node';
import type { Dispatcher } from 'undici';
import { KplugError } from '../../errors.ts';
import { limits } from '../../limits/limits.ts';
import { backOffDelay } from '../../queue/back-off.ts';
import { version } from '../../version.ts';
import type { JsonObject } from '../resource.ts';
import type { RequestListener } from '../services/request-observation.ts';
import { ApiError, errorOfConnection, errorOfStatus } from './api-error.ts';
import { CredentialSource, serverOf, type TlsOptions } from './credentials.ts';
import { type Dispatchers, makeDispatchers } from './dispatchers.ts';
import type { Fence } from './fence.ts';

const { maxAttempts, maxRetryAfter } = limits.kubernetes;
const retryDelays = { initial: limits.kubernetes.initialBackOff, max: limits.kubernetes.maxBackOff };

/** Request to the API server. */
export interface ApiRequest {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Path, from `/api` or `/apis` on. */
  path: string;
  /** Verb as in RBAC, for example `patch`. */
  verb: string;
  /** Resource as in RBAC, for example `tables/status`. */
  resource: string;
  contentType?: string;
  /** Default `application/json`. */
  accept?: string;
  body?: string;
  signal?: AbortSignal | undefined;
  /** True if the request is sent even if another controller may lead. For the requests of leader election. */
  isUnfenced?: boolean;
}

/** URL at the API server, with the credentials to send. */
export interface ApiServerAddress {
  url: string;
  /** Headers that authenticate the client. */
  headers: Readonly<Record<string, string>>;
  /** TLS options that verify the server and authenticate the client. */
  tls: Readonly<TlsOptions>;
}

/** Options of a transport. */
export interface TransportOptions {
  /** Timeout of a response, in milliseconds. */
  timeout: number;
  observe?: RequestListener | undefined;
}

/** Sends requests over kept connections, with a kubeconfig's credentials. Failures reject with an `ApiError`. */
export class Transport {
  readonly #credentials: CredentialSource;
  readonly #server: ReturnType<typeof serverOf>;
  readonly #options: TransportOptions;
  #dispatchers: (Dispatchers & { tls: TlsOptions }) | undefined;
  readonly #draining = new AbortController();
  #closed = false;
  readonly #observers: RequestListener[] = [];
  #fence: Fence | undefined;
  /** Set once the fence has closed and the connections for requests are being destroyed. */
  #cutOff: Promise<void> | undefined;

  /** Throws `InvalidConfiguration`. */
  constructor(kubeConfig: KubeConfig, options: TransportOptions) {
    this.#server = serverOf(kubeConfig);
    this.#credentials = new CredentialSource(kubeConfig);
    this.#options = options;
    if (options.observe) this.#observers.push(options.observe);
  }

  /** URL of the API server. */
  get server(): string {
    return `${this.#server.origin}${this.#server.prefix}`;
  }

  /** Adds a listener for requests. */
  observe(listener: RequestListener): void {
    this.#observers.push(listener);
  }

  /** Sends writes only while the fence is open from now on. Writes in progress are aborted when it closes permanently. */
  guard(fence: Fence): void {
    this.#fence = fence;
    fence.signal.addEventListener('abort', () => {
      this.#cutOff = this.#dispatchers?.requests.destroy();
    });
  }

  /**
   * Sends a request and returns the object in the response. Retries when the connection was cut, as all our requests are idempotent, and
   * when the server was busy and allows a retry. Aborting rejects with the signal's reason.
   */
  async request(request: ApiRequest): Promise<JsonObject> {
    for (let attempt = 1; ; attempt += 1) {
      this.#checkFence(request);
      try {
        const { body } = await this.#send(request, 'requests', this.#options.timeout);
        return parseJson(await readText(body)) as JsonObject;
      } catch (error) {
        request.signal?.throwIfAborted();
        const mayRetry = attempt < maxAttempts && !this.#draining.signal.aborted;
        const delay = mayRetry ? retryDelayAfter(error, attempt) : undefined;
        if (delay === undefined) throw error instanceof RefusedError ? error.error : asApiError(error);
        await this.#pause(delay, request.signal);
      }
    }
  }

  /** Returns URL and credentials of a path, for other clients. Rejects with an `ApiError`. */
  async addressOf(path: string): Promise<ApiServerAddress> {
    return { url: `${this.server}${path}`, ...(await this.#credentials.get()) };
  }

  /** Starts a watch. `idleTimeout`: time without a byte after which the connection counts as broken, in milliseconds. */
  async stream(request: ApiRequest, idleTimeout: number): Promise<Readable> {
    try {
      return (await this.#send(request, 'watches', idleTimeout)).body;
    } catch (error) {
      request.signal?.throwIfAborted();
      throw error instanceof RefusedError ? error.error : asApiError(error);
    }
  }

  /** Ends the delays before retries: each request has one last attempt. */
  drain(): void {
    this.#draining.abort();
  }

  /** Waits for requests in progress and closes the connections. */
  async close(): Promise<void> {
    this.drain();
    this.#closed = true;
    const { requests, watches } = this.#dispatchers ?? {};
    await Promise.all([this.#cutOff ?? requests?.close(), watches?.destroy()]);
  }

  #checkFence({ method, isUnfenced }: ApiRequest): void {
    if (method !== 'GET' && !isUnfenced) this.#fence?.check();
  }

  /** Waits for a delay. Draining ends it early. */
  async #pause(delay: number, signal: AbortSignal | undefined): Promise<void> {
    const ends = signal ? AbortSignal.any([signal, this.#draining.signal]) : this.#draining.signal;
    await sleep(delay, undefined, { signal: ends }).catch(() => signal?.throwIfAborted());
  }

  async #send(
    { method, path, verb, resource, contentType, accept = 'application/json', body, signal }: ApiRequest,
    use: keyof Dispatchers,
    bodyTimeout: number,
  ): Promise<Dispatcher.ResponseData> {
    const credentials = await this.#credentials.get();
    const startedAt = performance.now();
    let code = '<error>';
    try {
      const response = await this.#dispatchersFor(credentials.tls)[use].request({
        origin: this.#server.origin,
        path: `${this.#server.prefix}${path}`,
        method,
        headers: {
          accept,
          'user-agent': `kplug/${version}`,
          ...(contentType && { 'content-type': contentType }),
          ...credentials.headers,
        },
        ...(body !== undefined && { body }),
        ...(signal && { signal }),
        headersTimeout: this.#options.timeout,
        bodyTimeout,
      });
      code = String(response.statusCode);
      if (response.statusCode >= 300) await this.#refuse(response);
      return response;
    } finally {
      const duration = performance.now() - startedAt;
      for (const observe of this.#observers) observe({ verb, resource, code, duration });
    }
  }

  async #refuse({ statusCode, headers, body }: Dispatcher.ResponseData): Promise<never> {
    const error = errorOfStatus(statusCode, await readText(body));
    if (error.reason === 'Unauthorized') this.#credentials.invalidate();
    const retryAfter = Number(headers['retry-after'] ?? Number.NaN);
    throw new RefusedError(error, Number.isFinite(retryAfter) ? retryAfter * 1000 : undefined);
  }

  /** Returns the connections for TLS options. New certificates need new connections; the old ones close after their last request. */
  #dispatchersFor(tls: TlsOptions): Dispatchers {
    if (this.#closed) throw new KplugError('Stopped', 'The connections to the API server were closed.');
    if (this.#dispatchers?.tls !== tls) {
      const { requests, watches } = this.#dispatchers ?? {};
      // Nothing depends on the old connections, so a failure to close them doesn't matter.
      for (const former of [requests, watches]) former?.close().catch(() => undefined);
      this.#dispatchers = { tls, ...makeDispatchers(tls, this.#server.proxyUrl, this.#options.timeout) };
    }
    return this.#dispatchers;
  }
}

/** Unsuccessful response, with the delay that the server requests, in milliseconds. */
class RefusedError extends Error {
  readonly error: ApiError;
  readonly retryAfter: number | undefined;

  constructor(error: ApiError, retryAfter: number | undefined) {
    super(error.message);
    this.error = error;
    this.retryAfter = retryAfter;
  }
}

/** Returns the delay before a retry, in milliseconds; `undefined` when a retry is useless or unsafe. */
function retryDelayAfter(error: unknown, attempt: number): number | undefined {
  if (!(error instanceof RefusedError)) {
    const wasCutOff = !(error instanceof KplugError) && !(error instanceof ApiError);
    return wasCutOff ? backOffDelay(attempt, retryDelays) : undefined;
  }
  const { reason, code } = error.error;
  if (reason === 'Unauthorized' && attempt === 1) return 0;
  if (reason !== 'Busy' && code < 500) return undefined;
  // Only with the header does a failing server promise that a retry is safe; after a 429 it always is.
  if (error.retryAfter === undefined) return reason === 'Busy' ? backOffDelay(attempt, retryDelays) : undefined;
  return Math.min(maxRetryAfter, error.retryAfter) + backOffDelay(1, retryDelays);
}

function asApiError(error: unknown): ApiError | KplugError {
  return error instanceof ApiError || error instanceof KplugError ? error : errorOfConnection(error);
}

async function readText(body: Readable): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of body) chunks.push(chunk);
  return Buffer.concat(chunks).toString('utf8');
}
