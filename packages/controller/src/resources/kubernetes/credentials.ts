import type { RequestOptions } from 'node:https';
import type { TLSSocketOptions } from 'node:tls';
import { isDeepStrictEqual } from 'node:util';
import type { KubeConfig } from '@kubernetes/client-node';
import { KplugError, messageOf } from '../../errors.ts';
import { limits } from '../../limits/limits.ts';
import { ApiError } from './api-error.ts';

/** Time for which credentials are cached, in milliseconds. client-node renews them when they are read. */
const maxAge = limits.kubernetes.credentialsAge;

/** Credentials of the client, and the TLS options that verify the server. */
export interface Credentials {
  headers: Readonly<Record<string, string>>;
  tls: Readonly<TlsOptions>;
}

/** TLS options that come from a kubeconfig. */
export type TlsOptions = Pick<
  RequestOptions & TLSSocketOptions,
  'ca' | 'cert' | 'key' | 'pfx' | 'passphrase' | 'rejectUnauthorized'
> & { servername?: string };

const tlsFields = ['ca', 'cert', 'key', 'pfx', 'passphrase', 'rejectUnauthorized', 'servername'] as const;

/** Credentials of a kubeconfig, renewed by client-node: tokens from files, exec plugins and OIDC, and certificates. */
export class CredentialSource {
  readonly #kubeConfig: KubeConfig;
  #current: Credentials | undefined;
  #readAt = Number.NEGATIVE_INFINITY;
  #reading: Promise<Credentials> | undefined;

  constructor(kubeConfig: KubeConfig) {
    this.#kubeConfig = kubeConfig;
  }

  /** Returns the current credentials: the same object until they change. Rejects with an `ApiError`. */
  async get(): Promise<Credentials> {
    if (this.#current && performance.now() - this.#readAt < maxAge) return this.#current;
    this.#reading ??= this.#read().finally(() => {
      this.#reading = undefined;
    });
    return this.#reading;
  }

  /** Drops cached credentials that the server did not accept. */
  invalidate(): void {
    this.#readAt = Number.NEGATIVE_INFINITY;
  }

  async #read(): Promise<Credentials> {
    const options: RequestOptions & { servername?: string } = {};
    try {
      await this.#kubeConfig.applyToHTTPSOptions(options);
    } catch (cause) {
      throw new ApiError('Unauthorized', `can't get credentials: ${messageOf(cause)}`, { cause });
    }
    const headers: Record<string, string> = {};
    for (const [name, value] of Object.entries(options.headers ?? {}))
      headers[name.toLowerCase()] = String(value).trim();
    if (options.auth) headers.authorization = `Basic ${Buffer.from(options.auth).toString('base64')}`;
    const tls: TlsOptions = {};
    for (const field of tlsFields) {
      if (options[field] !== undefined && options[field] !== null) Object.assign(tls, { [field]: options[field] });
    }
    const next: Credentials = { headers, tls };
    if (!this.#current || !isDeepStrictEqual(next, this.#current)) {
      this.#current =
        this.#current && isDeepStrictEqual(tls, this.#current.tls) ? { headers, tls: this.#current.tls } : next;
    }
    this.#readAt = performance.now();
    return this.#current;
  }
}

/** Returns the address of the API server. Throws `InvalidConfiguration`. */
export function serverOf(kubeConfig: KubeConfig): { origin: string; prefix: string; proxyUrl: string | undefined } {
  const cluster = kubeConfig.getCurrentCluster();
  if (!cluster) {
    const context = kubeConfig.getCurrentContext();
    const message = `The kubeconfig has no cluster for its current context "${context}"; use another context.`;
    throw new KplugError('InvalidConfiguration', message);
  }
  if (!URL.canParse(cluster.server)) {
    const message = `The kubeconfig's server "${cluster.server}" is not a URL; use one such as https://10.0.0.1:6443.`;
    throw new KplugError('InvalidConfiguration', message);
  }
  const { origin, pathname } = new URL(cluster.server);
  return { origin, prefix: pathname.replace(/\/+$/, ''), proxyUrl: cluster.proxyUrl };
}
