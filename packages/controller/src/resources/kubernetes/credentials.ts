import type { RequestOptions } from 'node:https';
import type { TLSSocketOptions } from 'node:tls';
import { isDeepStrictEqual } from 'node:util';
import type { KubeConfig } from '@kubernetes/client-node';
import { KplugError, messageOf } from '../../errors.ts';
import { ApiError } from './api-error.ts';

/** How long credentials are taken for good, in milliseconds. client-node renews them when they are asked for. */
const freshness = 10_000;

/** What proves who asks, and how the server proves itself. */
export interface Credentials {
  headers: Readonly<Record<string, string>>;
  tls: Readonly<TlsOptions>;
}

/** The part of the TLS options that a kubeconfig decides. */
export type TlsOptions = Pick<
  RequestOptions & TLSSocketOptions,
  'ca' | 'cert' | 'key' | 'pfx' | 'passphrase' | 'rejectUnauthorized'
> & { servername?: string };

const tlsFields = ['ca', 'cert', 'key', 'pfx', 'passphrase', 'rejectUnauthorized', 'servername'] as const;

/** The credentials of a kubeconfig, renewed as client-node does: tokens from files, plugins and OIDC, and certificates. */
export class CredentialSource {
  readonly #kubeConfig: KubeConfig;
  #current: Credentials | undefined;
  #readAt = Number.NEGATIVE_INFINITY;
  #reading: Promise<Credentials> | undefined;

  constructor(kubeConfig: KubeConfig) {
    this.#kubeConfig = kubeConfig;
  }

  /** The same object as before as long as nothing changed. Rejects with an `ApiError`. */
  async get(): Promise<Credentials> {
    if (this.#current && performance.now() - this.#readAt < freshness) return this.#current;
    this.#reading ??= this.#read().finally(() => {
      this.#reading = undefined;
    });
    return this.#reading;
  }

  /** Has the credentials read again, as they weren't accepted. */
  distrust(): void {
    this.#readAt = Number.NEGATIVE_INFINITY;
  }

  async #read(): Promise<Credentials> {
    const options: RequestOptions & { servername?: string } = {};
    try {
      await this.#kubeConfig.applyToHTTPSOptions(options);
    } catch (cause) {
      throw new ApiError('Unauthorized', `no credentials could be had: ${messageOf(cause)}`, { cause });
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

/** Where the API server is. Throws `InvalidConfiguration`. */
export function serverOf(kubeConfig: KubeConfig): { origin: string; prefix: string; proxyUrl: string | undefined } {
  const cluster = kubeConfig.getCurrentCluster();
  if (!cluster) {
    const context = kubeConfig.getCurrentContext();
    const message = `The kubeconfig has no cluster for its current context "${context}"; choose another context.`;
    throw new KplugError('InvalidConfiguration', message);
  }
  if (!URL.canParse(cluster.server)) {
    const message = `The kubeconfig's server "${cluster.server}" is no URL; write one such as https://10.0.0.1:6443.`;
    throw new KplugError('InvalidConfiguration', message);
  }
  const { origin, pathname } = new URL(cluster.server);
  return { origin, prefix: pathname.replace(/\/+$/, ''), proxyUrl: cluster.proxyUrl };
}
