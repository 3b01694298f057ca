import type { ClusterInspector, ClusterReader, DeclaredPlugin, JsonObject } from '@kplug/controller';
import type { OperatorChoice } from '../operator/operator-place.ts';
import { type Answer, answerOf, isForbidden } from './answer.ts';
import type { ClockReading } from './clock-reading.ts';
import { type OperatorPod, operatorSelector, readOperatorPod } from './operator-pod.ts';
import { fetchPage } from './page.ts';
import { objectOf } from './read-json.ts';

/** What the API server says of itself. */
export interface ServerView {
  url: string;
  /** Such as `v1.36.3`. */
  version: string;
  clock: ClockReading | undefined;
}

/** What a cluster says of the operators in it. */
export interface ClusterView {
  /** The namespace of the operator that is looked at. */
  namespace: string;
  /** The pods of all operators, or of those in the namespace where only they may be seen. */
  operators: Answer<readonly OperatorPod[]>;
  /** The Lease of the operator; `undefined` when there is none. */
  lease: Answer<JsonObject | undefined>;
  /** All pods of the namespace. */
  pods: Answer<readonly JsonObject[]>;
  services: Answer<readonly JsonObject[]>;
  /** The plugins that don't beat. */
  declared: Answer<readonly DeclaredPlugin[]>;
  /** The `Delegation` resources. */
  delegations: Answer<readonly JsonObject[]>;
}

/** The pods of the operator that is looked at. */
export function ownPods({
  namespace,
  operators,
}: Pick<ClusterView, 'namespace' | 'operators'>): readonly OperatorPod[] {
  return (operators.value ?? []).filter((pod) => pod.namespace === namespace);
}

/** Asks the API server what it is. Rejects with a `CommandError` when it doesn't answer. */
export async function lookAtServer({ server: url }: ClusterReader, inspector: ClusterInspector): Promise<ServerView> {
  const { url: page, ...credentials } = await inspector.addressOf('/version');
  const { text, clock } = await fetchPage(page, credentials);
  return { url, version: versionIn(text), clock };
}

function versionIn(text: string): string {
  try {
    const { gitVersion } = JSON.parse(text) as { gitVersion?: unknown };
    return typeof gitVersion === 'string' ? gitVersion : 'unknown';
  } catch {
    // Something on the way answers with text.
    return 'unknown';
  }
}

/** Asks the API server for all of it at once. */
export async function lookAtCluster(
  reader: ClusterReader,
  inspector: ClusterInspector,
  { operatorNamespace }: OperatorChoice,
): Promise<ClusterView> {
  const operators = await answerOf(listOperators(inspector, operatorNamespace));
  const namespace = operatorNamespace ?? operators.value?.[0]?.namespace ?? reader.namespace;
  const home = `/namespaces/${encodeURIComponent(namespace)}`;
  const leaseName = ownPods({ namespace, operators })[0]?.leaseName ?? 'kplug';
  const leases = `/apis/coordination.k8s.io/v1${home}/leases`;
  const [lease, pods, services, declared, delegations] = await Promise.all([
    answerOf(inspector.get(`${leases}/${encodeURIComponent(leaseName)}`)),
    answerOf(inspector.list(`/api/v1${home}/pods`)),
    answerOf(inspector.list(`/api/v1${home}/services`)),
    answerOf(everywhereOr(namespace, (where) => inspector.declaredPlugins(where))),
    answerOf(inspector.list('/apis/delegations.kplug.dev/v1alpha1/delegations')),
  ]);
  return { namespace, operators, lease, pods, services, declared, delegations };
}

async function listOperators(inspector: ClusterInspector, namespace: string | undefined): Promise<OperatorPod[]> {
  const query = new URLSearchParams({ labelSelector: operatorSelector });
  const pods = await everywhereOr(namespace, (where) => {
    return inspector.list(
      `/api/v1${where === undefined ? '' : `/namespaces/${encodeURIComponent(where)}`}/pods?${query}`,
    );
  });
  return pods.flatMap((pod) => readOperatorPod(pod) ?? []);
}

/** Asks for all namespaces, or where that isn't allowed, for one. */
async function everywhereOr<T>(
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

/** When something was made or changed, as the API server wrote it, in milliseconds since the epoch. */
export function timeIn(object: JsonObject | undefined, field: string): number {
  return Date.parse(String(objectOf(object)[field] ?? ''));
}
