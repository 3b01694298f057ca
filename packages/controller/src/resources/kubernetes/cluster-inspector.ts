import { KplugError, messageOf } from '../../errors.ts';
import { limits } from '../../limits/limits.ts';
import { jsonObjectsIn } from '../json.ts';
import type { JsonObject, Resource, ResourceKind } from '../resource.ts';
import { lackingVerbs, type ServiceAccount, userOf } from './access-question.ts';
import { ApiError } from './api-error.ts';
import { type FoundEndpoints, findEndpoints, type ServiceReference } from './declared-service.ts';
import { Discovery, type ServedKind } from './discovery.ts';
import { missingRule, type Right } from './missing-rule.ts';
import { pluginLabel, type ReadDeclaration, readLabelled, readPlugin } from './read-declaration.ts';
import { readObject, ValuePool } from './read-object.ts';
import type { ApiServerAddress, Transport } from './transport.ts';

/** Timeouts of each request, retries included, and of all together, in milliseconds. */
const timeouts = { each: limits.kubernetes.inspectionTimeout, all: limits.kubernetes.totalInspectionTimeout };

const kinds = {
  plugin: { apiVersion: 'plugins.kplug.dev/v1alpha1', kind: 'Plugin' },
  service: { apiVersion: 'v1', kind: 'Service' },
  slice: { apiVersion: 'discovery.k8s.io/v1', kind: 'EndpointSlice' },
} as const;

/** Plugin that sends no heartbeats, declared by a `Plugin` or by a label on a Service. */
export interface DeclaredPlugin {
  kind: 'Plugin' | 'Service';
  namespace: string;
  name: string;
  /** Service or address of the plugin. */
  place: { service: ServiceReference } | { address: string };
  /** Condition `Accessible` of the `Plugin`; missing for a Service, and before the operator has written one. */
  accessible?: { status: string; reason: string; message: string };
}

/**
 * Inspects the objects that an operator depends on, with the operator's own code. For tools of short duration: no request succeeds later
 * than 15 seconds after construction. Failed, forbidden and late requests reject with `StorageFailed`.
 */
export interface ClusterInspector {
  /** Gets the object at a path; `undefined` when there is none. */
  get(path: string): Promise<JsonObject | undefined>;
  /** Lists the objects at a path; none when the path doesn't exist. */
  list(path: string): Promise<JsonObject[]>;
  /** Returns a kind as it is served; `undefined` when it isn't. */
  served(kind: ResourceKind): Promise<ServedKind | undefined>;
  /** Returns the rights that a service account lacks, each with the rule that would grant it. */
  missingRules(account: ServiceAccount, rights: readonly Right[]): Promise<string[]>;
  /** Finds the endpoints of a Service, or the reason why there are none. */
  endpoints(namespace: string, reference: ServiceReference): Promise<FoundEndpoints>;
  /** Lists the plugins that users declared, in one namespace or in all. */
  declaredPlugins(namespace: string | undefined): Promise<DeclaredPlugin[]>;
  /** Returns URL and credentials for a path of the API server. */
  addressOf(path: string): Promise<ApiServerAddress>;
}

/** Inspects a cluster over a transport. */
export class TransportInspector implements ClusterInspector {
  readonly #transport: Transport;
  readonly #discovery: Discovery;
  readonly #end = AbortSignal.timeout(timeouts.all);

  constructor(transport: Transport) {
    this.#transport = transport;
    this.#discovery = new Discovery(transport);
  }

  get(path: string): Promise<JsonObject | undefined> {
    return this.#inTime((signal) => this.#get(path, signal));
  }

  async list(path: string): Promise<JsonObject[]> {
    return itemsOf(await this.get(path));
  }

  served(kind: ResourceKind): Promise<ServedKind | undefined> {
    return this.#inTime((signal) => this.#discovery.find(kind, signal));
  }

  async missingRules(account: ServiceAccount, rights: readonly Right[]): Promise<string[]> {
    const missing = await this.#inTime((signal) =>
      Promise.all(rights.map((right) => lackingVerbs(this.#transport, { right, user: userOf(account), signal }))),
    );
    return rights.flatMap((right, index) => {
      const verbs = missing[index] ?? [];
      return verbs.length > 0 ? [missingRule({ ...right, verbs })] : [];
    });
  }

  endpoints(namespace: string, reference: ServiceReference): Promise<FoundEndpoints> {
    const home = encodeURIComponent(namespace);
    const query = new URLSearchParams({ labelSelector: `kubernetes.io/service-name=${reference.name}` });
    return this.#inTime(async (signal) => {
      const [service, slices] = await Promise.all([
        this.#get(`/api/v1/namespaces/${home}/services/${encodeURIComponent(reference.name)}`, signal),
        this.#get(`/apis/discovery.k8s.io/v1/namespaces/${home}/endpointslices?${query}`, signal),
      ]);
      const [found] = service ? readAll([service], kinds.service) : [];
      return findEndpoints(reference, found, readAll(itemsOf(slices), kinds.slice));
    });
  }

  async declaredPlugins(namespace: string | undefined): Promise<DeclaredPlugin[]> {
    const home = namespace === undefined ? '' : `/namespaces/${encodeURIComponent(namespace)}`;
    const label = new URLSearchParams({ labelSelector: `${pluginLabel.name}=${pluginLabel.value}` });
    const [plugins, services] = await Promise.all([
      this.list(`/apis/plugins.kplug.dev/v1alpha1${home}/plugins`),
      this.list(`/api/v1${home}/services?${label}`),
    ]);
    return [
      ...readAll(plugins, kinds.plugin).flatMap((plugin) => describe('Plugin', plugin, readPlugin(plugin))),
      ...readAll(services, kinds.service).flatMap((service) => describe('Service', service, readLabelled(service))),
    ];
  }

  addressOf(path: string): Promise<ApiServerAddress> {
    return this.#inTime(() => this.#transport.addressOf(path));
  }

  async #get(path: string, signal: AbortSignal): Promise<JsonObject | undefined> {
    try {
      return await this.#transport.request({ method: 'GET', path, verb: 'get', resource: 'inspection', signal });
    } catch (error) {
      if (error instanceof ApiError && error.reason === 'NotFound') return undefined;
      throw error;
    }
  }

  async #inTime<T>(ask: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const signal = AbortSignal.any([AbortSignal.timeout(timeouts.each), this.#end]);
    try {
      signal.throwIfAborted();
      return await ask(signal);
    } catch (cause) {
      const isLate = signal.aborted && cause === signal.reason;
      const reason = isLate ? 'the API server did not respond in time' : messageOf(cause);
      throw new KplugError('StorageFailed', reason, { cause });
    }
  }
}

function describe(
  kind: DeclaredPlugin['kind'],
  { metadata, status }: Resource,
  declaration: ReadDeclaration | undefined,
): DeclaredPlugin[] {
  if (!declaration) return [];
  const { name, place } = declaration;
  const condition = jsonObjectsIn(status?.conditions).find(({ type }) => type === 'Accessible');
  const accessible = condition && {
    status: String(condition.status),
    reason: String(condition.reason),
    message: String(condition.message ?? ''),
  };
  return [{ kind, namespace: metadata.namespace ?? '', name, place, ...(accessible && { accessible }) }];
}

function itemsOf(list: JsonObject | undefined): JsonObject[] {
  return jsonObjectsIn(list?.items);
}

function readAll(objects: readonly JsonObject[], kind: ResourceKind): Resource[] {
  const pool = new ValuePool();
  return objects.map((object) => readObject(object, kind, pool).resource);
}
