import type { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import type { KubeConfig } from '@kubernetes/client-node';
import type { Dispatcher } from 'undici';
import { KplugError } from '../../errors.ts';
import { backOffDelay } from '../../queue/back-off.ts';
import type { RequestObservation } from '../cluster-services.ts';
import type { JsonObject } from '../resource.ts';
import { ApiError, errorOfConnection, errorOfStatus } from './api-error.ts';
import { CredentialSource, type Credentials, serverOf, type TlsOptions } from './credentials.ts';
import { type Dispatchers, makeDispatchers } from './dispatchers.ts';
import type { Fence } from './fence.ts';
import { version } from './version.ts';

/** How often a request is tried that the server was too busy for, or that was cut off. */
const mostTries = 5;

/** Bounds of the delay between retries of a request, in milliseconds. */
const retryDelays = { initial: 100, max: 5_000 };

/** The longest that a server's `Retry-After` is waited for, in milliseconds. */
const longestWait = 30_000;

/** A request to the API server. */
export interface ApiRequest {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** From `/api` or `/apis` on. */
  path: string;
  /** As RBAC has it, for example `patch`. */
  verb: string;
  /** As RBAC has it, for example `tables/status`. */
  resource: string;
  contentType?: string;
  /** Default `application/json`. */
  accept?: string;
  body?: string;
  signal?: AbortSignal | undefined;
  /** Whether it may go out although another controller may lead: what decides who leads. */
  isUnfenced?: boolean;
}

/** Where something is at the API server, with the credentials to be let in. */
export interface Address extends Credentials {
  url: string;
}

/** Options of a transport. */
export interface TransportOptions {
  /** How long an answer may take, in milliseconds. */
  timeout: number;
  observe?: ((request: RequestObservation) => void) | undefined;
}

/** Requests over kept connections, with a kubeconfig's credentials. All that fails rejects with an `ApiError`. */
export class Transport {
  readonly #credentials: CredentialSource;
  readonly #server: ReturnType<typeof serverOf>;
  readonly #options: TransportOptions;
  #dispatchers: (Dispatchers & { tls: TlsOptions }) | undefined;
  readonly #draining = new AbortController();
  #closed = false;
  readonly #observers: ((request: RequestObservation) => void)[] = [];
  #fence: Fence | undefined;
  /** Set once the fence has closed, and with it the connections for requests. */
  #cutOff: Promise<void> | undefined;

  /** Throws `InvalidConfiguration`. */
  constructor(kubeConfig: KubeConfig, options: TransportOptions) {
    this.#server = serverOf(kubeConfig);
    this.#credentials = new CredentialSource(kubeConfig);
    this.#options = options;
    if (options.observe) this.#observers.push(options.observe);
  }

  /** Where the API server is. */
  get server(): string {
    return `${this.#server.origin}${this.#server.prefix}`;
  }

  /** Has a listener hear of each request when it was answered. */
  observe(listener: (request: RequestObservation) => void): void {
    this.#observers.push(listener);
  }

  /** From now on writes go out only while the fence is open. Those under way are cut off when it closes for good. */
  guard(fence: Fence): void {
    this.#fence = fence;
    fence.signal.addEventListener('abort', () => {
      this.#cutOff = this.#dispatchers?.requests.destroy();
    });
  }

  /**
   * Asks for one object. What is cut off is tried again, as every request of ours may be made twice; so is what the server
   * was too busy for, when it says that it may. Aborting rejects with the signal's reason.
   */
  async request(request: ApiRequest): Promise<JsonObject> {
    for (let tries = 1; ; tries += 1) {
      this.#checkFence(request);
      try {
        const { body } = await this.#send(request, 'requests', this.#options.timeout);
        return JSON.parse(await readText(body)) as JsonObject;
      } catch (error) {
        request.signal?.throwIfAborted();
        const wait = tries < mostTries && !this.#draining.signal.aborted ? waitBeforeRetry(error, tries) : undefined;
        if (wait === undefined) throw error instanceof RefusedError ? error.error : asApiError(error);
        await this.#pause(wait, request.signal);
      }
    }
  }

  /** Where a path is, and what it takes to get there by other means. Rejects with an `ApiError`. */
  async addressOf(path: string): Promise<Address> {
    return { url: `${this.server}${path}`, ...(await this.#credentials.get()) };
  }

  /** Begins a watch. `silence`: after how long without a byte the connection counts as broken, in milliseconds. */
  async stream(request: ApiRequest, silence: number): Promise<Readable> {
    try {
      return (await this.#send(request, 'watches', silence)).body;
    } catch (error) {
      request.signal?.throwIfAborted();
      throw error instanceof RefusedError ? error.error : asApiError(error);
    }
  }

  /** From now on no request waits for its turn to be tried again. */
  drain(): void {
    this.#draining.abort();
  }

  /** Lets the requests under way end, and closes the connections. */
  async close(): Promise<void> {
    this.drain();
    this.#closed = true;
    const { requests, watches } = this.#dispatchers ?? {};
    await Promise.all([this.#cutOff ?? requests?.close(), watches?.destroy()]);
  }

  #checkFence({ method, isUnfenced }: ApiRequest): void {
    if (method !== 'GET' && !isUnfenced) this.#fence?.check();
  }

  /** Cut short by draining: then there is one last try. */
  async #pause(wait: number, signal: AbortSignal | undefined): Promise<void> {
    const ends = signal ? AbortSignal.any([signal, this.#draining.signal]) : this.#draining.signal;
    await sleep(wait, undefined, { signal: ends }).catch(() => signal?.throwIfAborted());
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
    if (error.reason === 'Unauthorized') this.#credentials.distrust();
    const retryAfter = Number(headers['retry-after'] ?? Number.NaN);
    throw new RefusedError(error, Number.isFinite(retryAfter) ? retryAfter * 1000 : undefined);
  }

  /** New certificates need new connections. The old ones are closed when what goes over them has ended. */
  #dispatchersFor(tls: TlsOptions): Dispatchers {
    if (this.#closed) throw new KplugError('Stopped', 'The connections to the API server were closed.');
    if (this.#dispatchers?.tls !== tls) {
      const { requests, watches } = this.#dispatchers ?? {};
      // Nobody waits for it, and nothing can be done about a failure to close.
      for (const former of [requests, watches]) former?.close().catch(() => undefined);
      this.#dispatchers = { tls, ...makeDispatchers(tls, this.#server.proxyUrl, this.#options.timeout) };
    }
    return this.#dispatchers;
  }
}

/** An answer that wasn't a success, and when the server wants to be asked again, in milliseconds. */
class RefusedError extends Error {
  readonly error: ApiError;
  readonly retryAfter: number | undefined;

  constructor(error: ApiError, retryAfter: number | undefined) {
    super(error.message);
    this.error = error;
    this.retryAfter = retryAfter;
  }
}

/** How long to wait before trying again, or nothing when that would be in vain. */
function waitBeforeRetry(error: unknown, tries: number): number | undefined {
  if (!(error instanceof RefusedError)) {
    const wasCutOff = !(error instanceof KplugError) && !(error instanceof ApiError);
    return wasCutOff ? backOffDelay(tries, retryDelays) : undefined;
  }
  const { reason, code } = error.error;
  if (reason === 'Unauthorized' && tries === 1) return 0;
  if (reason !== 'Busy' && code < 500) return undefined;
  // Without the header a failing server doesn't promise that another try is harmless; 429 always does.
  if (error.retryAfter === undefined) return reason === 'Busy' ? backOffDelay(tries, retryDelays) : undefined;
  return Math.min(longestWait, error.retryAfter) + backOffDelay(1, retryDelays);
}

function asApiError(error: unknown): ApiError | KplugError {
  return error instanceof ApiError || error instanceof KplugError ? error : errorOfConnection(error);
}

async function readText(body: Readable): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of body) chunks.push(chunk);
  return Buffer.concat(chunks).toString('utf8');
}
