import { groupOf, type ResourceKind } from '../resources/resource.ts';

/**
 * Kinds of Kubernetes' own groups that grant no rights by themselves. Every other kind of these groups counts as granting rights, so that
 * kinds of later versions do, too.
 */
export const plainKinds: ReadonlyMap<string, readonly string[]> = new Map([
  ['', ['ConfigMap', 'PersistentVolumeClaim', 'Pod', 'PodTemplate', 'ReplicationController', 'Service']],
  ['apps', ['DaemonSet', 'Deployment', 'ReplicaSet', 'StatefulSet']],
  ['autoscaling', ['HorizontalPodAutoscaler']],
  ['batch', ['CronJob', 'Job']],
  ['policy', ['PodDisruptionBudget']],
  ['networking.k8s.io', ['Ingress']],
  ['gateway.networking.k8s.io', ['GRPCRoute', 'HTTPRoute', 'TCPRoute', 'TLSRoute', 'UDPRoute']],
  ['snapshot.storage.k8s.io', ['VolumeSnapshot']],
]);

/** Domains of Kubernetes' own groups, labels and annotations. */
export const kubernetesDomains = ['k8s.io', 'kubernetes.io'];

/** Domain of Kplug's own groups, labels and annotations. */
export const kplugDomain = 'kplug.dev';

/** Domains of groups whose controllers act on a resource with rights of their own, such as creating Secrets, RBAC or any manifest. */
const actingDomains: readonly string[] = [
  'openshift.io',
  'argoproj.io',
  'bitnami.com',
  'cattle.io',
  'cert-manager.io',
  'crossplane.io',
  'external-secrets.io',
  'fluxcd.io',
  'gatekeeper.sh',
  'kyverno.io',
  'operators.coreos.com',
];

/** Domains of groups whose kinds grant rights, unless they are plain. So do all groups without a dot. */
export const grantingDomains: readonly string[] = [...kubernetesDomains, kplugDomain, ...actingDomains];

/**
 * Reports whether resources of a kind may grant rights, in any version: RBAC, credentials, admission, other APIs, traffic, or Kplug's own
 * resources.
 */
export function grantsRights(kind: ResourceKind): boolean {
  const group = groupOf(kind.apiVersion);
  if (plainKinds.get(group)?.includes(kind.kind)) return false;
  return !group.includes('.') || grantingDomains.some((domain) => isInDomain(group, domain));
}

/** Reports whether a kind is of one of Kubernetes' own groups. Only these may have no dot. */
export function isOfKubernetes({ apiVersion }: ResourceKind): boolean {
  const group = groupOf(apiVersion);
  return !group.includes('.') || kubernetesDomains.some((domain) => isInDomain(group, domain));
}

/** Reports whether a name is a domain or one below it. */
export function isInDomain(name: string, domain: string): boolean {
  return name === domain || name.endsWith(`.${domain}`);
}
