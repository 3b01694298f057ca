import { groupOf, type ResourceKind } from '@kplug/controller';
import type { ClusterInspector, Right, ServedKind } from '@kplug/controller/tools';
import { type Answer, answerOf } from './answer.ts';
import { Check, type Finding } from './finding.ts';
import type { OperatorPod } from './operator-pod.ts';

/** Kind that the operator reads and writes. */
export interface UsedKind {
  kind: ResourceKind;
  role: 'base' | 'extension';
  served: ServedKind;
}

/** Returns the permissions that an operator needs for its flags and delegations. */
export function rightsNeeded(pod: OperatorPod, kinds: readonly UsedKind[]): Right[] {
  const { namespace, electsLeader, leaseName, followsDelegations, namespaces, pluginNamespaces } = pod;
  const declared = [...new Set([namespace, ...pluginNamespaces])];
  const everywhere = namespaces.length > 0 ? namespaces : [undefined];
  const right = (
    group: string,
    resource: string,
    verbs: string[],
    where: string | undefined,
    name?: string,
  ): Right => ({
    ...{ group, resource, verbs, namespace: where },
    ...(name !== undefined && { name }),
  });
  const leases = 'coordination.k8s.io';
  return [
    right('', 'pods', ['list', 'watch', ...(electsLeader ? ['patch'] : [])], namespace),
    right('plugins.kplug.dev', 'plugins', ['create', 'delete'], namespace),
    ...declared.flatMap((where) => [
      right('plugins.kplug.dev', 'plugins', ['list', 'watch', 'patch'], where),
      right('plugins.kplug.dev', 'plugins/status', ['patch'], where),
      right('', 'services', ['list', 'watch'], where),
      right('discovery.k8s.io', 'endpointslices', ['list', 'watch'], where),
    ]),
    ...(electsLeader
      ? [
          right(leases, 'leases', ['create'], namespace),
          right(leases, 'leases', ['get', 'update'], namespace, leaseName),
        ]
      : []),
    ...(followsDelegations
      ? [
          right('delegations.kplug.dev', 'delegations', ['list', 'watch', 'patch'], undefined),
          right('delegations.kplug.dev', 'delegations/status', ['patch'], undefined),
        ]
      : []),
    ...everywhere.map((where) => right('events.k8s.io', 'events', ['create', 'patch'], where)),
    ...kinds.flatMap(({ kind, role, served }) => {
      const group = groupOf(kind.apiVersion);
      const scopes = served.namespaced ? everywhere : [undefined];
      return scopes.flatMap((where) => [
        right(group, served.plural, role === 'base' ? ['list', 'watch', 'patch'] : ['list', 'watch'], where),
        ...(served.hasStatus ? [right(group, `${served.plural}/status`, ['patch'], where)] : []),
      ]);
    }),
  ];
}

/** Returns the missing permissions of the operator's service account, if the user may review them. */
export function missingPermissions(
  inspector: ClusterInspector,
  pod: OperatorPod,
  kinds: readonly UsedKind[],
): Promise<Answer<string[]>> {
  const account = { namespace: pod.namespace, name: pod.serviceAccount };
  return answerOf(inspector.missingRules(account, rightsNeeded(pod, kinds)));
}

/** Checks that the operator has the permissions that it needs. @param pod missing if none was found. */
export function checkRights(pod: OperatorPod | undefined, missing: Answer<readonly string[]> | undefined): Finding[] {
  const check = new Check('RightsGiven', 'rights');
  if (!pod || !missing) {
    return [check.notTried('no pod of the operator was found, so its service account is unknown')];
  }
  const account = `the service account ${pod.namespace}/${pod.serviceAccount}`;
  if (missing.value === undefined) {
    return [check.notTried(`permissions of ${account}: ${missing.failure}`)];
  }
  if (missing.value.length === 0) return [check.ok(`${account} has all permissions that the operator needs`)];
  return missing.value.map((rule) => check.problemFrom(rule));
}
