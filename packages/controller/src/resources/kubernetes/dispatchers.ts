import { Agent, type Dispatcher, ProxyAgent, Socks5ProxyAgent } from 'undici';
import type { TlsOptions } from './credentials.ts';

/** How long an idle connection is kept, in milliseconds. Load balancers drop those that are idle for a minute. */
const keepAliveTimeout = 30_000;

/** When TCP begins to ask whether an idle connection is still there, in milliseconds. */
const keepAliveInitialDelay = 15_000;

/** How many requests are under way at once, watches aside. */
const connections = 64;

/** Kept connections, made from one set of credentials. Watches have connections of their own, so they can't use up the others. */
export interface Dispatchers {
  requests: Dispatcher;
  watches: Dispatcher;
}

/** Opens no connection yet. */
export function makeDispatchers(tls: TlsOptions, proxyUrl: string | undefined, connectTimeout: number): Dispatchers {
  // One request at a time a connection: a slow one never holds up others. HTTP/2 was measured to be no faster.
  const common = { keepAliveTimeout, pipelining: 1, allowH2: false, connectTimeout };
  const requestTls = { ...tls, keepAlive: true, keepAliveInitialDelay };
  const make = (limits: { connections?: number }): Dispatcher => {
    if (!proxyUrl) return new Agent({ ...common, ...limits, connect: requestTls });
    if (proxyUrl.startsWith('socks')) return new Socks5ProxyAgent(proxyUrl, { ...common, ...limits, requestTls });
    return new ProxyAgent({ ...common, ...limits, uri: proxyUrl, requestTls });
  };
  return { requests: make({ connections }), watches: make({}) };
}
