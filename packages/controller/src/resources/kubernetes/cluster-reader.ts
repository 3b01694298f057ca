import type { Readable } from 'node:stream';
import { formatJson } from '@kplug/protocol';
import type { KubeConfig } from '@kubernetes/client-node';
import { KplugError } from '../../errors.ts';
import { limits } from '../../limits/limits.ts';
import { isJsonObject, jsonObjectsIn } from '../json.ts';
import { groupOf, type JsonObject, type Resource } from '../resource.ts';
import { ApiError } from './api-error.ts';
import { collectionPath, objectPath } from './api-path.ts';
import { type ClusterInspector, TransportInspector } from './cluster-inspector.ts';
import type { ServedKind } from './discovery.ts';
import { listPages } from './list-pages.ts';
import { type KubeConfigChoice, loadKubeConfig } from './load-kube-config.ts';
import { missingRule } from './missing-rule.ts';
import { type PodPort, PortForwardAgent } from './port-forward-agent.ts';
import { type PrintedTable, readPrintedTable } from './print-table.ts';
import { readObject, ValuePool } from './read-object.ts';
import { Transport } from './transport.ts';

/** Kind with its short names. */
export interface NamedKind extends ServedKind {
  /** Short names, as in `kubectl api-resources`. */
  shortNames: readonly string[];
}

/** Pod whose log can be read. */
export interface LoggedPod {
  namespace: string;
  name: string;
  /** Names of its containers; the default one is the first. */
  containers: readonly string[];
  annotations: Readonly<Record<string, string>>;
}

/** Options of reading the log of a container. */
export interface PodLogOptions {
  /** Number of last lines. Default: all. */
  tail?: number;
  /** True to read on until the container ends. */
  follow?: boolean;
  /** True to read the log of the container before its last restart. */
  previous?: boolean;
  /** True to begin each line with its time. */
  timestamps?: boolean;
  signal?: AbortSignal;
}

/** Request for one object. */
interface ObjectRequest {
  kind: NamedKind;
  namespace: string;
  name: string;
  method: 'GET' | 'PATCH' | 'POST' | 'DELETE';
  body?: string;
}

const verbs = { GET: 'get', PATCH: 'patch', POST: 'create', DELETE: 'delete' } as const;

const timeout = limits.kubernetes.readerTimeout;

/** Media type of aggregated discovery: all groups and their kinds in one response. */
const aggregated = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList';

/** Reads a cluster for tools, and annotates its resources. All methods reject with `StorageFailed` when a request fails. */
export class ClusterReader {
  readonly #kubeConfig: KubeConfig;
  readonly #transport: Transport;
  /** Namespace of the context. */
  readonly namespace: string;

  /** Throws `InvalidConfiguration`. */
  constructor(choice: KubeConfigChoice) {
    const kubeConfig = loadKubeConfig(choice);
    this.#kubeConfig = kubeConfig;
    this.#transport = new Transport(kubeConfig, { timeout });
    this.namespace = kubeConfig.getContextObject(kubeConfig.getCurrentContext())?.namespace ?? 'default';
  }

  /** URL of the API server. */
  get server(): string {
    return this.#transport.server;
  }

  /** Makes an inspector, which can be used until this reader is closed. */
  inspector(): ClusterInspector {
    return new TransportInspector(this.#transport);
  }

  /** Lists all served kinds, each in the preferred version of its group. */
  async kinds(): Promise<NamedKind[]> {
    const [core, groups] = await Promise.all(['/api', '/apis'].map((path) => this.#discover(path)));
    return [...(core ?? []), ...(groups ?? [])];
  }

  /** Lists the resources of a kind, in one namespace or in all. */
  async list(kind: NamedKind, namespace: string | undefined): Promise<Resource[]> {
    const resources: Resource[] = [];
    const pool = new ValuePool();
    const signal = new AbortController().signal;
    await this.#translating(kind, namespace, () =>
      listPages(this.#transport, { served: kind, namespace, whole: false, signal }, (items) => {
        for (const item of items) resources.push(readObject(item, kind, pool).resource);
      }),
    );
    return resources;
  }

  /** Prints the resources of a kind, in one namespace or in all, as a table. `undefined` if the API server prints none. */
  printTable(kind: NamedKind, namespace: string | undefined): Promise<PrintedTable | undefined> {
    const signal = AbortSignal.timeout(timeout);
    return this.#translating(kind, namespace, () => readPrintedTable(this.#transport, kind, namespace, signal));
  }

  /** Returns a resource; `undefined` if it doesn't exist. */
  get(kind: NamedKind, namespace: string, name: string): Promise<Resource | undefined> {
    return this.#requestObject({ kind, namespace, name, method: 'GET' });
  }

  /** Sets annotations of a resource, or removes those that are `null`. Returns the resource; `undefined` if it doesn't exist. */
  annotate(
    kind: NamedKind,
    place: { namespace: string; name: string },
    annotations: Readonly<Record<string, string | null>>,
  ): Promise<Resource | undefined> {
    return this.patch(kind, place, { metadata: { annotations } });
  }

  /** Creates an object. Rejects with `StorageFailed`, whose cause names the reason. */
  create(kind: NamedKind, namespace: string, object: JsonObject): Promise<Resource | undefined> {
    return this.#requestObject({ kind, namespace, name: '', method: 'POST', body: formatJson(object) });
  }

  /** Changes an object by a merge patch. Returns it; `undefined` if it doesn't exist. */
  patch(
    kind: NamedKind,
    { namespace, name }: { namespace: string; name: string },
    patch: JsonObject,
  ): Promise<Resource | undefined> {
    return this.#requestObject({ kind, namespace, name, method: 'PATCH', body: formatJson(patch) });
  }

  /** Deletes an object, if it exists. */
  async remove(kind: NamedKind, { namespace, name }: { namespace: string; name: string }): Promise<void> {
    await this.#requestObject({ kind, namespace, name, method: 'DELETE' });
  }

  /** Returns the name of the user, as the API server knows it. */
  async user(): Promise<string> {
    const review = { apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' };
    const request = {
      method: 'POST',
      path: '/apis/authentication.k8s.io/v1/selfsubjectreviews',
      verb: 'create',
      resource: 'selfsubjectreviews',
      body: formatJson(review),
      contentType: 'application/json',
      signal: AbortSignal.timeout(timeout),
    } as const;
    const answer = await this.#translating(undefined, undefined, () => this.#transport.request(request), 'create');
    const { userInfo } = isJsonObject(answer.status) ? answer.status : {};
    return isJsonObject(userInfo) && typeof userInfo.username === 'string' ? userInfo.username : '';
  }

  /**
   * Returns the value of the header by which the user proves their identity, such as `Bearer TOKEN`; `undefined` for a user with a
   * certificate only.
   */
  async authorization(): Promise<string | undefined> {
    const { headers } = await this.#translating(undefined, undefined, () => this.#transport.addressOf(''));
    return headers.authorization;
  }

  async #requestObject({ kind, namespace, name, method, body }: ObjectRequest): Promise<Resource | undefined> {
    const verb = verbs[method];
    const request = {
      method,
      path: name ? objectPath(kind, namespace, name) : collectionPath(kind, namespace),
      verb,
      resource: kind.plural,
      signal: AbortSignal.timeout(timeout),
      ...(body !== undefined && { body, contentType: method === 'PATCH' ? mergePatch : 'application/json' }),
    };
    const ask = async () => {
      try {
        const answer = await this.#transport.request(request);
        // A deletion may be answered with a Status.
        return method === 'DELETE' ? undefined : readObject(answer, kind, new ValuePool()).resource;
      } catch (error) {
        if (error instanceof ApiError && error.reason === 'NotFound' && method !== 'POST') return undefined;
        throw error;
      }
    };
    return this.#translating(kind, kind.namespaced ? namespace : undefined, ask, verb);
  }

  /** Lists the pods with a label, in one namespace or in all. */
  pods(labelSelector: string, namespace: string | undefined): Promise<LoggedPod[]> {
    return this.#listPods({ labelSelector }, namespace);
  }

  /** Lists the pods with a field such as `status.podIP=10.0.0.1`, in one namespace or in all. */
  podsWith(fieldSelector: string, namespace: string | undefined): Promise<LoggedPod[]> {
    return this.#listPods({ fieldSelector }, namespace);
  }

  /** Reads the log of a container. Rejects as the other methods do; the stream fails when it breaks. */
  readLog(
    { namespace, name }: Pick<LoggedPod, 'namespace' | 'name'>,
    container: string,
    { tail, follow = false, previous = false, timestamps = false, signal }: PodLogOptions = {},
  ): Promise<Readable> {
    const query = new URLSearchParams({
      ...{ container, follow: String(follow), previous: String(previous), timestamps: String(timestamps) },
      ...(tail !== undefined && { tailLines: String(tail) }),
    });
    const request = {
      method: 'GET',
      path: `${objectPath(podKind, namespace, name)}/log?${query}`,
      verb: 'get',
      resource: 'pods/log',
      accept: '*/*',
      signal,
    } as const;
    // A container may write nothing for any time.
    return this.#translating(podKind, namespace, () => this.#transport.stream(request, follow ? 0 : timeout), 'get');
  }

  async #listPods(query: Record<string, string>, namespace: string | undefined): Promise<LoggedPod[]> {
    const path = `${collectionPath(podKind, namespace)}?${new URLSearchParams(query)}`;
    const signal = AbortSignal.timeout(timeout);
    const request = { method: 'GET', path, verb: 'list', resource: 'pods', signal } as const;
    const { items } = await this.#translating(podKind, namespace, () => this.#transport.request(request));
    return jsonObjectsIn(items).flatMap(readPod);
  }

  /** Returns an agent that connects HTTP requests to a port of a pod. It can be used when this reader is closed, too. */
  forwardTo(target: PodPort): PortForwardAgent {
    return new PortForwardAgent(this.#kubeConfig, target);
  }

  async close(): Promise<void> {
    await this.#transport.close();
  }

  async #discover(path: string): Promise<NamedKind[]> {
    const signal = AbortSignal.timeout(timeout);
    const request = { method: 'GET', path, verb: 'get', resource: 'discovery', accept: aggregated, signal } as const;
    const { items } = await this.#translating(undefined, undefined, () => this.#transport.request(request));
    return jsonObjectsIn(items).flatMap(({ metadata, versions }) => {
      const group = isJsonObject(metadata) && typeof metadata.name === 'string' ? metadata.name : '';
      const [preferred] = jsonObjectsIn(versions);
      if (!preferred) return [];
      const apiVersion = group ? `${group}/${String(preferred.version)}` : String(preferred.version);
      return jsonObjectsIn(preferred.resources).flatMap((resource) => readKind(apiVersion, resource));
    });
  }

  async #translating<T>(
    kind: ServedKind | undefined,
    namespace: string | undefined,
    ask: () => Promise<T>,
    verb: 'list' | 'get' | 'patch' | 'create' | 'delete' = 'list',
  ): Promise<T> {
    try {
      return await ask();
    } catch (error) {
      const isLate = error instanceof DOMException && error.name === 'TimeoutError';
      const cause = isLate ? new ApiError('Unreachable', `no response within ${timeout / 1_000} s`) : error;
      if (!(cause instanceof ApiError)) throw cause;
      const right = kind && { group: groupOf(kind.apiVersion), resource: kind.plural, verbs: [verb], namespace };
      // A user reads the answer of the API server to a patch, which names them; the advice is about the operator's rights.
      const reason = cause.reason === 'Forbidden' && right && verb === 'list' ? missingRule(right) : cause.message;
      const what = verb === 'list' || verb === 'get' ? 'read' : 'written';
      throw new KplugError('StorageFailed', `The cluster at ${this.server} can't be ${what}: ${reason}`, { cause });
    }
  }
}

const podKind = { apiVersion: 'v1', kind: 'Pod', plural: 'pods', namespaced: true, hasStatus: true };

const mergePatch = 'application/merge-patch+json';

/** Annotation with the container whose log `kubectl logs` shows. */
const defaultContainer = 'kubectl.kubernetes.io/default-container';

function readPod({ metadata, spec }: JsonObject): LoggedPod[] {
  const { namespace, name, annotations } = isJsonObject(metadata) ? metadata : {};
  if (typeof namespace !== 'string' || typeof name !== 'string') return [];
  const preferred = isJsonObject(annotations) ? annotations[defaultContainer] : undefined;
  const containers = jsonObjectsIn(isJsonObject(spec) ? spec.containers : undefined)
    .flatMap((container) => (typeof container.name === 'string' ? [container.name] : []))
    .sort((a, b) => Number(b === preferred) - Number(a === preferred));
  const texts = Object.entries(isJsonObject(annotations) ? annotations : {}).filter(
    ([, value]) => typeof value === 'string',
  );
  return [{ namespace, name, containers, annotations: Object.fromEntries(texts) as Record<string, string> }];
}

function readKind(apiVersion: string, resource: JsonObject): NamedKind[] {
  const { resource: plural, responseKind, scope, shortNames, subresources } = resource;
  const { kind } = isJsonObject(responseKind) ? responseKind : {};
  if (typeof plural !== 'string' || typeof kind !== 'string') return [];
  const names = Array.isArray(shortNames) ? shortNames.filter((name) => typeof name === 'string') : [];
  const hasStatus = jsonObjectsIn(subresources).some(({ subresource }) => subresource === 'status');
  return [{ apiVersion, kind, plural, namespaced: scope === 'Namespaced', hasStatus, shortNames: names }];
}
