import { Agent, type Dispatcher, EnvHttpProxyAgent, request } from 'undici';
import { messageOf } from '../../errors.ts';
import { limits } from '../../limits/limits.ts';
import { isLoopback } from '../../registry/address.ts';
import { rangeOf } from '../../registry/address-range.ts';
import { authorizationOf, displayUrl, withoutCredentials } from './credentials.ts';
import { DownloadFailure } from './download-failure.ts';

const { idleTimeout, maxRedirects } = limits.downloads;

const redirects = new Set([301, 302, 303, 307, 308]);

/** Response of a server that has the archive. */
export type ArchiveResponse = Dispatcher.ResponseData;

/** Requests of one download, which share connections. Credentials of a URL are sent only to its own origin. */
export class ArchiveRequests implements AsyncDisposable {
  readonly #isPinned: boolean;
  readonly #signal: AbortSignal;
  readonly #direct: Dispatcher;
  readonly #proxied: Dispatcher;

  /** @param isPinned true if the archive has a required checksum, so that it may come over http. */
  constructor(isPinned: boolean, signal: AbortSignal) {
    const timeouts = { headersTimeout: idleTimeout, bodyTimeout: idleTimeout, connect: { timeout: idleTimeout } };
    this.#isPinned = isPinned;
    this.#signal = signal;
    this.#direct = new Agent(timeouts);
    try {
      this.#proxied = new EnvHttpProxyAgent(timeouts);
    } catch {
      // The error of the URL has the proxy's credentials.
      throw failed(
        'HTTPS_PROXY or HTTP_PROXY is not a valid URL; use one such as http://proxy.example.org:3128',
        false,
      );
    }
  }

  /** Requests a URL and follows redirects. Returns `undefined` when it does not exist. Rejects with a `DownloadFailure`. */
  async request(url: URL): Promise<ArchiveResponse | undefined> {
    const authorization = authorizationOf(url);
    let current = withoutUser(url);
    for (let count = 0; ; count++) {
      this.#checkTransport(current, authorization !== undefined && current.origin === url.origin);
      const response = await this.#send(current, current.origin === url.origin ? authorization : undefined);
      const { statusCode, headers } = response;
      if (statusCode >= 200 && statusCode < 300) return response;
      discard(response);
      if (statusCode === 404 || statusCode === 410) return undefined;
      if (!redirects.has(statusCode)) throw refusal(current, response);
      if (count >= maxRedirects) throw failed(`${displayUrl(url)} redirects more than ${maxRedirects} times`, true);
      current = this.#follow(current, headers.location);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([this.#direct.destroy(), this.#proxied.destroy()]);
  }

  async #send(url: URL, authorization: string | undefined): Promise<ArchiveResponse> {
    // A proxy has another loopback interface.
    const dispatcher = isOwnMachine(url) ? this.#direct : this.#proxied;
    const headers = { 'accept-encoding': 'identity', ...(authorization && { authorization }) };
    try {
      return await request(url, { dispatcher, headers, signal: this.#signal });
    } catch (cause) {
      if (this.#signal.aborted) throw this.#signal.reason;
      throw failedRequest(url, cause);
    }
  }

  /** Throws unless the transport, or a checksum, protects the archive, and the transport the credentials. */
  #checkTransport(url: URL, hasCredentials: boolean): void {
    if (url.protocol === 'https:' || isOwnMachine(url)) return;
    if (hasCredentials) {
      throw failed(`${displayUrl(url)} would receive a password without encryption; use https`, true);
    }
    if (this.#isPinned) return;
    const remedy = 'use https, or add #sha256: and the checksum to the item';
    throw failed(`${displayUrl(url)} is not encrypted, so anyone on the way could replace the plugin; ${remedy}`, true);
  }

  /** Returns the target of a redirect. */
  #follow(url: URL, location: string | string[] | undefined): URL {
    const target = URL.parse(String(location ?? ''), url.href);
    const from = displayUrl(url);
    if (!location || !target) throw failed(`${from} redirects to an invalid URL`, true);
    const to = displayUrl(target);
    if (!/^https?:$/.test(target.protocol)) throw failed(`${from} redirects to ${to}, which is not https`, true);
    if (target.protocol === 'http:' && url.protocol === 'https:') {
      throw failed(`${from} redirects from https to ${to}, which is not encrypted`, true);
    }
    const host = hostOf(target);
    if ((isLoopback(host) || rangeOf(host) === 'link-local') && hostOf(url) !== host && !isOwnMachine(url)) {
      throw failed(`${from} redirects to ${to}, an address of this machine or its link`, true);
    }
    return withoutUser(target);
  }
}

/** Returns the failure for an error of a request or its body, without credentials. */
export function failedRequest(url: URL, cause: unknown): DownloadFailure {
  if (cause instanceof DownloadFailure) return cause;
  // The innermost cause has the reason. It is not kept as a cause: errors of URLs and proxies have credentials in their properties.
  let inner = cause;
  while (inner instanceof Error && inner.cause instanceof Error) inner = inner.cause;
  return failed(`${displayUrl(url)} can't be downloaded: ${withoutCredentials(messageOf(inner))}`, false);
}

function refusal(url: URL, { statusCode, statusText }: ArchiveResponse): DownloadFailure {
  const isLasting = statusCode < 500 && statusCode !== 408 && statusCode !== 429;
  const text = withoutCredentials(statusText)
    .replaceAll(/[^\x20-\x7e]/g, '?')
    .slice(0, 100);
  return failed(`${displayUrl(url)} returned ${statusCode} ${text}`.trim(), isLasting);
}

function withoutUser(given: URL): URL {
  const url = new URL(given);
  url.username = '';
  url.password = '';
  return url;
}

/** Reports whether a URL is of this machine. `URL` has normalized spellings such as 127.1. */
function isOwnMachine(url: URL): boolean {
  return isLoopback(hostOf(url));
}

function hostOf({ hostname }: URL): string {
  return hostname.replace(/^\[(.*)\]$/, '$1');
}

/** Discards the body of a response. Its connection is closed with the requests. */
function discard({ body }: ArchiveResponse): void {
  body.on('error', () => undefined);
  body.destroy();
}

function failed(message: string, isLasting: boolean): DownloadFailure {
  return new DownloadFailure('DownloadFailed', message, isLasting);
}
