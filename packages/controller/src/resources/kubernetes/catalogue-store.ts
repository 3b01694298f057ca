import type { Logger } from 'pino';
import { KplugError, messageOf } from '../../errors.ts';
import type { KindProblem } from '../port.ts';
import type { Resource } from '../resource.ts';
import type { CatalogueEntry, CatalogueStore } from '../services/catalogue-store.ts';
import { ApiError } from './api-error.ts';
import { objectPath } from './api-path.ts';
import { applyRequest } from './apply-request.ts';
import type { Discovery } from './discovery.ts';
import { KindFollower } from './kind-follower.ts';
import { missingRule } from './missing-rule.ts';
import type { Transport } from './transport.ts';

const kind = { apiVersion: 'catalogue.kplug.dev/v1alpha1', kind: 'ProvidedCapability' };
const served = { ...kind, plural: 'providedcapabilities', namespaced: false, hasStatus: false };

/** Field manager of the entries. Each operator writes only its own ones. */
const fieldManager = 'kplug/catalogue';

/** Parts that the store of the catalogue needs. */
export interface CatalogueStoreParts {
  transport: Transport;
  discovery: Discovery;
  /** Duration of a watch, in milliseconds. */
  watchDuration: number;
  logger: Logger;
}

/** Stores the catalogue as `ProvidedCapability` resources, which are cluster-scoped. */
export class KubernetesCatalogueStore implements CatalogueStore {
  readonly #parts: CatalogueStoreParts;
  #follower: KindFollower | undefined;

  constructor(parts: CatalogueStoreParts) {
    this.#parts = parts;
  }

  get problem(): KindProblem | undefined {
    return this.#follower?.problem;
  }

  async follow(listener: (name?: string) => void): Promise<void> {
    const { logger, ...parts } = this.#parts;
    this.#follower = new KindFollower({
      ...parts,
      kind,
      namespaces: [],
      isBeingWritten: () => false,
      onChange: ({ resource }) => listener(resource.metadata.name),
      onProblem: () => listener(),
      onUnreadable: (error) =>
        logger.error({ err: error }, `the API server sent ${error.message}; listing ${kind.kind} again`),
    });
    await this.#follower.known;
  }

  async stop(): Promise<void> {
    await this.#follower?.stop();
  }

  get(name: string): Resource | undefined {
    return this.#follower?.cache.get('', name);
  }

  list(): Iterable<Resource> {
    return this.#follower?.cache.values() ?? [];
  }

  async save({ name, labels, spec, status }: CatalogueEntry): Promise<void> {
    const body = { ...kind, metadata: { name, labels: { ...labels } }, spec, status };
    const apply = { path: objectPath(served, '', name), resource: served.plural, fieldManager, body };
    try {
      const written = await this.#parts.transport.request(applyRequest(apply));
      this.#follower?.cache.putWritten(written);
    } catch (error) {
      throw failure(error, 'patch', name);
    }
  }

  async remove(name: string): Promise<void> {
    const known = this.get(name);
    try {
      await this.#parts.transport.request({
        method: 'DELETE',
        path: objectPath(served, '', name),
        verb: 'delete',
        resource: served.plural,
      });
    } catch (error) {
      const isGone = error instanceof ApiError && error.reason === 'NotFound';
      if (!isGone) throw failure(error, 'delete', name);
    }
    if (known) this.#follower?.cache.removeWritten(known);
  }
}

function failure(error: unknown, verb: 'patch' | 'delete', name: string): unknown {
  if (!(error instanceof ApiError)) return error;
  // The API server checks `create` for an object that is applied for the first time.
  const verbs = verb === 'patch' ? ['create', 'patch'] : ['delete'];
  const right = { group: 'catalogue.kplug.dev', resource: served.plural, verbs, namespace: undefined };
  const reason = error.reason === 'Forbidden' ? missingRule(right) : messageOf(error);
  const done = { patch: 'written', delete: 'deleted' }[verb];
  return new KplugError('StorageFailed', `The ${kind.kind} ${name} can't be ${done}: ${reason}`, { cause: error });
}
