import { Agent, type Dispatcher, ProxyAgent, Socks5ProxyAgent } from 'undici';
import { limits } from '../../limits/limits.ts';
import type { TlsOptions } from './credentials.ts';

/** Time for which an idle connection is kept, in milliseconds. Load balancers drop connections that are idle for a minute. */
const { keepAliveTimeout } = limits.kubernetes;

const { keepAliveDelay: keepAliveInitialDelay } = limits.kubernetes;

const { maxConnections: connections } = limits.kubernetes;

/** Connection pools for one set of credentials. Watches have a separate pool, so that they can't exhaust the other one. */
export interface Dispatchers {
  requests: Dispatcher;
  watches: Dispatcher;
}

/** Makes the pools, without opening a connection. */
export function makeDispatchers(tls: TlsOptions, proxyUrl: string | undefined, connectTimeout: number): Dispatchers {
  // One request at a time per connection, so that a slow one never delays others. HTTP/2 is no faster, as measured.
  const common = { keepAliveTimeout, pipelining: 1, allowH2: false, connectTimeout };
  const requestTls = { ...tls, keepAlive: true, keepAliveInitialDelay };
  const make = (limits: { connections?: number }): Dispatcher => {
    if (!proxyUrl) return new Agent({ ...common, ...limits, connect: requestTls });
    if (proxyUrl.startsWith('socks')) return new Socks5ProxyAgent(proxyUrl, { ...common, ...limits, requestTls });
    return new ProxyAgent({ ...common, ...limits, uri: proxyUrl, requestTls });
  };
  return { requests: make({ connections }), watches: make({}) };
}
