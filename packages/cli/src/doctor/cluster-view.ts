import type { JsonObject } from '@kplug/controller';
import type { ClusterInspector, ClusterReader, DeclaredPlugin } from '@kplug/controller/tools';
import type { OperatorChoice } from '../operator/operator-place.ts';
import { type Answer, answerOf, isForbidden } from './answer.ts';
import type { ClockReading } from './clock-reading.ts';
import { type OperatorPod, operatorSelector, readOperatorPod } from './operator-pod.ts';
import { fetchPage } from './page.ts';
import { objectOf } from './read-json.ts';

/** URL, version and clock of the API server. */
export interface ServerView {
  url: string;
  /** Version such as `v1.36.3`. */
  version: string;
  clock: ClockReading | undefined;
}

/** Objects of a cluster that concern the operator. */
export interface ClusterView {
  /** Namespace of the examined operator. */
  namespace: string;
  /** Pods of all operators; only those of the namespace if the user may not list others. */
  operators: Answer<readonly OperatorPod[]>;
  /** Lease of the operator; `undefined` when there is none. */
  lease: Answer<JsonObject | undefined>;
  /** All pods of the namespace. */
  pods: Answer<readonly JsonObject[]>;
  services: Answer<readonly JsonObject[]>;
  /** Plugins that send no heartbeats. */
  declared: Answer<readonly DeclaredPlugin[]>;
  networkPolicies: Answer<readonly JsonObject[]>;
  /** The `Delegation` resources. */
  delegations: Answer<readonly JsonObject[]>;
}

/** Returns the pods of the examined operator. */
export function ownPods({
  namespace,
  operators,
}: Pick<ClusterView, 'namespace' | 'operators'>): readonly OperatorPod[] {
  return (operators.value ?? []).filter((pod) => pod.namespace === namespace);
}

/** Reads the version and the clock of the API server. Rejects with a `CommandError` when it does not answer. */
export async function readServer({ server: url }: ClusterReader, inspector: ClusterInspector): Promise<ServerView> {
  const { url: page, ...credentials } = await inspector.addressOf('/version');
  const { text, clock } = await fetchPage(page, credentials);
  return { url, version: versionIn(text), clock };
}

function versionIn(text: string): string {
  try {
    const { gitVersion } = JSON.parse(text) as { gitVersion?: unknown };
    return typeof gitVersion === 'string' ? gitVersion : 'unknown';
  } catch {
    // A proxy may answer with another format.
    return 'unknown';
  }
}

/** Reads all objects concurrently. */
export async function readCluster(
  reader: ClusterReader,
  inspector: ClusterInspector,
  { operatorNamespace }: OperatorChoice,
): Promise<ClusterView> {
  const operators = await answerOf(listOperators(inspector, operatorNamespace));
  const namespace = operatorNamespace ?? operators.value?.[0]?.namespace ?? reader.namespace;
  const home = `/namespaces/${encodeURIComponent(namespace)}`;
  const leaseName = ownPods({ namespace, operators })[0]?.leaseName ?? 'kplug';
  const leases = `/apis/coordination.k8s.io/v1${home}/leases`;
  const [lease, pods, services, networkPolicies, declared, delegations] = await Promise.all([
    answerOf(inspector.get(`${leases}/${encodeURIComponent(leaseName)}`)),
    answerOf(inspector.list(`/api/v1${home}/pods`)),
    answerOf(inspector.list(`/api/v1${home}/services`)),
    answerOf(inspector.list(`/apis/networking.k8s.io/v1${home}/networkpolicies`)),
    answerOf(readEverywhereOr(namespace, (where) => inspector.declaredPlugins(where))),
    answerOf(inspector.list('/apis/delegations.kplug.dev/v1alpha1/delegations')),
  ]);
  return { namespace, operators, lease, pods, services, networkPolicies, declared, delegations };
}

async function listOperators(inspector: ClusterInspector, namespace: string | undefined): Promise<OperatorPod[]> {
  const query = new URLSearchParams({ labelSelector: operatorSelector });
  const pods = await readEverywhereOr(namespace, (where) => {
    return inspector.list(
      `/api/v1${where === undefined ? '' : `/namespaces/${encodeURIComponent(where)}`}/pods?${query}`,
    );
  });
  return pods.flatMap((pod) => readOperatorPod(pod) ?? []);
}

/** Reads all namespaces, or one if that is not allowed. */
async function readEverywhereOr<T>(
  namespace: string | undefined,
  ask: (where: string | undefined) => Promise<T>,
): Promise<T> {
  try {
    return await ask(undefined);
  } catch (error) {
    if (namespace === undefined || !isForbidden(error)) throw error;
    return await ask(namespace);
  }
}

/** Parses a time field of an object, in milliseconds since the epoch. */
export function timeIn(object: JsonObject | undefined, field: string): number {
  return Date.parse(String(objectOf(object)[field] ?? ''));
}
