import { createRemoteJWKSet, customFetch, errors, type FetchImplementation, type JWTVerifyGetKey } from 'jose';
import { Agent, request } from 'undici';
import { z } from 'zod';
import { limits } from '../limits/limits.ts';
import { currentMoment, elapsedSince, type Moment } from './elapsed.ts';
import { discoveryUrl, parseKeysUrl } from './issuer-url.ts';

const { issuerTimeout, maxIssuerDocumentSize, discoveryInterval, maxKeyAge, keyCooldown } = limits.authentication;

const discoveryDocument = z.object({ issuer: z.string(), jwks_uri: z.unknown() });

interface DiscoveredKeys {
  url: string;
  find: JWTVerifyGetKey;
  since: Moment;
}

/** Keys of an OIDC issuer, found by its discovery document. Requests are bounded in time and size, and follow no redirects. */
export class IssuerKeys {
  readonly #issuer: string;
  readonly #url: URL;
  readonly #agent: Agent;
  #keys: DiscoveredKeys | undefined;
  #discovering: Promise<DiscoveredKeys> | undefined;
  #failure: { error: unknown; since: Moment } | undefined;

  /** @param issuer as in the claim `iss`. @param ca PEM certificates that the issuer's own must chain to. Default: those of Node.js. */
  constructor(issuer: string, url: URL, ca: string | undefined) {
    this.#issuer = issuer;
    this.#url = url;
    this.#agent = new Agent({
      connections: 2,
      connect: { timeout: issuerTimeout, ...(ca !== undefined && { ca }) },
      headersTimeout: issuerTimeout,
      bodyTimeout: issuerTimeout,
      maxResponseSize: maxIssuerDocumentSize,
    });
  }

  /** Returns the key for a token's header, as `jwtVerify` of jose requests it. Rejects if the issuer is unreachable. */
  readonly find: JWTVerifyGetKey = async (header, token) => {
    const { find } = await this.#discovered();
    return find(header, token);
  };

  async close(): Promise<void> {
    await this.#agent.destroy();
  }

  async #discovered(): Promise<DiscoveredKeys> {
    const known = this.#keys;
    if (known && elapsedSince(known.since) < discoveryInterval) return known;
    this.#discovering ??= this.#discover().finally(() => {
      this.#discovering = undefined;
    });
    return this.#discovering.catch((error: unknown) => {
      // The keys may still be cached, or be served by another host than the document.
      if (known) return known;
      throw error;
    });
  }

  async #discover(): Promise<DiscoveredKeys> {
    const response = await this.#fetch(discoveryUrl(this.#url).href, { signal: AbortSignal.timeout(issuerTimeout) });
    try {
      const url = await this.#readKeysUrl(response);
      const find = url.href === this.#keys?.url ? this.#keys.find : this.#keysAt(url);
      this.#keys = { url: url.href, find, since: currentMoment() };
      return this.#keys;
    } catch (error) {
      throw this.#failed(error);
    }
  }

  async #readKeysUrl(response: Response): Promise<URL> {
    const { data } = discoveryDocument.safeParse(await response.json());
    if (!data) throw new Error('its discovery document has no issuer or no jwks_uri');
    if (data.issuer !== this.#issuer) throw new Error('its discovery document names another issuer');
    return parseKeysUrl(data.jwks_uri, this.#url);
  }

  #keysAt(url: URL): JWTVerifyGetKey {
    const find = createRemoteJWKSet(url, {
      timeoutDuration: issuerTimeout,
      cooldownDuration: keyCooldown,
      cacheMaxAge: maxKeyAge,
      [customFetch]: this.#fetch,
    });
    return async (header, token) => {
      try {
        return await find(header, token);
      } catch (error) {
        if (error instanceof errors.JWKSInvalid) this.#failed(error);
        throw error;
      }
    };
  }

  readonly #fetch = async (url: string, { signal }: Pick<Parameters<FetchImplementation>[1], 'signal'>) => {
    // The library pauses only after requests that succeed.
    if (this.#failure && elapsedSince(this.#failure.since) < keyCooldown) throw this.#failure.error;
    try {
      const headers = { accept: 'application/json' };
      const { statusCode, body } = await request(url, { dispatcher: this.#agent, signal, headers });
      if (statusCode !== 200) throw new Error(`${url} responds with the status ${statusCode}`);
      const content: unknown = await body.json();
      this.#failure = undefined;
      return Response.json(content);
    } catch (error) {
      throw this.#failed(error);
    }
  };

  /** Records a failure, and returns it. */
  #failed(error: unknown): unknown {
    this.#failure = { error, since: currentMoment() };
    return error;
  }
}
