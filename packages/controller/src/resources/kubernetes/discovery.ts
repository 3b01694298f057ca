import { isJsonObject } from '../json.ts';
import { groupOf, type JsonValue, type ResourceKind } from '../resource.ts';
import { ApiError } from './api-error.ts';
import type { Transport } from './transport.ts';

/** Kind as the API server serves it. */
export interface ServedKind extends ResourceKind {
  /** Name in URLs and in RBAC, for example `databasetables`. */
  plural: string;
  /** False for a cluster-scoped kind. */
  namespaced: boolean;
  /** True if the kind has a status subresource. */
  hasStatus: boolean;
}

/** Kinds that the API server serves, cached. */
export class Discovery {
  readonly #transport: Transport;
  readonly #groups = new Map<string, Promise<ReadonlyMap<string, ServedKind>>>();

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** Finds a kind; `undefined` when it isn't served, which isn't cached. Rejects with an `ApiError`. */
  async find({ apiVersion, kind }: ResourceKind, signal?: AbortSignal): Promise<ServedKind | undefined> {
    const known = (await this.#groups.get(apiVersion)?.catch(() => undefined))?.get(kind);
    if (known) return known;
    const asked = this.#ask(apiVersion, signal);
    this.#groups.set(apiVersion, asked);
    try {
      return (await asked).get(kind);
    } catch (error) {
      if (this.#groups.get(apiVersion) === asked) this.#groups.delete(apiVersion);
      throw error;
    }
  }

  /** Drops the cached kinds of a group version, as one of them seems to be gone. */
  forget(apiVersion: string): void {
    this.#groups.delete(apiVersion);
  }

  async #ask(apiVersion: string, signal: AbortSignal | undefined): Promise<ReadonlyMap<string, ServedKind>> {
    const path = `${groupOf(apiVersion) ? '/apis' : '/api'}/${apiVersion}`;
    const kinds = new Map<string, ServedKind>();
    let resources: JsonValue | undefined;
    try {
      ({ resources } = await this.#transport.request({
        method: 'GET',
        path,
        verb: 'get',
        resource: 'discovery',
        signal,
      }));
    } catch (error) {
      if (error instanceof ApiError && error.reason === 'NotFound') return kinds;
      throw error;
    }
    const listed = Array.isArray(resources) ? resources.filter(isJsonObject) : [];
    const names = new Set(listed.map(({ name }) => name));
    for (const { name, kind, namespaced } of listed) {
      if (typeof name !== 'string' || typeof kind !== 'string' || name.includes('/')) continue;
      const hasStatus = names.has(`${name}/status`);
      kinds.set(kind, { apiVersion, kind, plural: name, namespaced: namespaced === true, hasStatus });
    }
    return kinds;
  }
}
