import { KplugError, messageOf } from '../../errors.ts';
import { isJsonObject } from '../json.ts';
import type { JsonObject, JsonValue, Resource, ResourceKind } from '../resource.ts';
import { lackingVerbs, type ServiceAccount } from './access-question.ts';
import { ApiError } from './api-error.ts';
import { type FoundEndpoints, findEndpoints, type ServiceReference } from './declared-service.ts';
import { Discovery, type ServedKind } from './discovery.ts';
import { missingRule, type Right } from './missing-rule.ts';
import { pluginLabel, type ReadDeclaration, readLabelled, readPlugin } from './read-declaration.ts';
import { readObject, ValuePool } from './read-object.ts';
import type { Address, Transport } from './transport.ts';

/** How long one answer may take, tries included, and all of them together, in milliseconds. */
const timeouts = { each: 8_000, all: 15_000 };

const kinds = {
  plugin: { apiVersion: 'plugins.kplug.dev/v1alpha1', kind: 'Plugin' },
  service: { apiVersion: 'v1', kind: 'Service' },
  slice: { apiVersion: 'discovery.k8s.io/v1', kind: 'EndpointSlice' },
} as const;

/** A plugin that doesn't beat, as a user declared it: by a `Plugin`, or by a label on a Service. */
export interface DeclaredPlugin extends Pick<ReadDeclaration, 'name' | 'place'> {
  kind: 'Plugin' | 'Service';
  namespace: string;
  /** What the operator says in the status; missing for a Service, and while it says nothing. */
  accessible?: { status: string; reason: string; message: string };
}

/**
 * Asks what an operator depends on, as its own code understands it. For a tool that runs for a moment: fifteen seconds after it was
 * made it asks nothing more. All that fails, is not allowed or late rejects with `StorageFailed`.
 */
export class ClusterInspector {
  readonly #transport: Transport;
  readonly #discovery: Discovery;
  readonly #end = AbortSignal.timeout(timeouts.all);

  constructor(transport: Transport) {
    this.#transport = transport;
    this.#discovery = new Discovery(transport);
  }

  /** What is at a path; `undefined` when nothing is. */
  get(path: string): Promise<JsonObject | undefined> {
    return this.#asking((signal) => this.#get(path, signal));
  }

  /** The objects of a list at a path; none where the API server has no such path. */
  async list(path: string): Promise<JsonObject[]> {
    return itemsOf(await this.get(path));
  }

  /** A kind as it is served, or nothing when it isn't. */
  served(kind: ResourceKind): Promise<ServedKind | undefined> {
    return this.#asking((signal) => this.#discovery.find(kind, signal));
  }

  /** What a service account isn't allowed of these rights, each with the rule that would allow it. */
  async missingRules(account: ServiceAccount, rights: readonly Right[]): Promise<string[]> {
    const lacking = await this.#asking((signal) =>
      Promise.all(rights.map((right) => lackingVerbs(this.#transport, { right, account, signal }))),
    );
    return rights.flatMap((right, index) => {
      const verbs = lacking[index] ?? [];
      return verbs.length > 0 ? [missingRule({ ...right, verbs })] : [];
    });
  }

  /** Where the instances behind a Service are, or why that isn't known. */
  endpoints(namespace: string, reference: ServiceReference): Promise<FoundEndpoints> {
    const home = encodeURIComponent(namespace);
    const query = new URLSearchParams({ labelSelector: `kubernetes.io/service-name=${reference.name}` });
    return this.#asking(async (signal) => {
      const [service, slices] = await Promise.all([
        this.#get(`/api/v1/namespaces/${home}/services/${encodeURIComponent(reference.name)}`, signal),
        this.#get(`/apis/discovery.k8s.io/v1/namespaces/${home}/endpointslices?${query}`, signal),
      ]);
      const [found] = service ? readAll([service], kinds.service) : [];
      return findEndpoints(reference, found, readAll(itemsOf(slices), kinds.slice));
    });
  }

  /** The plugins that users declared, in one namespace or in all. */
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

  /** Where a path of the API server is, and what it takes to be let in. */
  addressOf(path: string): Promise<Address> {
    return this.#asking(() => this.#transport.addressOf(path));
  }

  async #get(path: string, signal: AbortSignal): Promise<JsonObject | undefined> {
    try {
      return await this.#transport.request({ method: 'GET', path, verb: 'get', resource: 'inspection', signal });
    } catch (error) {
      if (error instanceof ApiError && error.reason === 'NotFound') return undefined;
      throw error;
    }
  }

  async #asking<T>(ask: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const signal = AbortSignal.any([AbortSignal.timeout(timeouts.each), this.#end]);
    try {
      signal.throwIfAborted();
      return await ask(signal);
    } catch (cause) {
      const isLate = signal.aborted && cause === signal.reason;
      const why = isLate ? 'the API server gave no answer in time' : messageOf(cause);
      throw new KplugError('StorageFailed', why, { cause });
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
  const conditions = Array.isArray(status?.conditions) ? status.conditions.filter(isJsonObject) : [];
  const said = conditions.find(({ type }) => type === 'Accessible');
  const accessible = said && {
    status: String(said.status),
    reason: String(said.reason),
    message: String(said.message ?? ''),
  };
  return [{ kind, namespace: metadata.namespace ?? '', name, place, ...(accessible && { accessible }) }];
}

function itemsOf(list: JsonObject | undefined): JsonObject[] {
  const items: JsonValue = list?.items ?? [];
  return Array.isArray(items) ? items.filter(isJsonObject) : [];
}

function readAll(objects: readonly JsonObject[], kind: ResourceKind): Resource[] {
  const pool = new ValuePool();
  return objects.map((object) => readObject(object, kind, pool).resource);
}
