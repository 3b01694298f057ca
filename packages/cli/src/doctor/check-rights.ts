import { groupOf, type ResourceKind } from '@kplug/controller';
import type { ClusterInspector, Right, ServedKind } from '@kplug/controller/tools';
import { type Answer, answerOf } from './answer.ts';
import { Check, type Finding } from './finding.ts';
import type { OperatorPod } from './operator-pod.ts';

/** Kind that the operator reads and writes. */
export interface UsedKind {
  kind: ResourceKind;
  role: 'base' | 'extension' | 'dependent' | 'required';
  served: ServedKind;
}

function right(group: string, resource: string, verbs: string[], namespace: string | undefined, name?: string): Right {
  return { group, resource, verbs, namespace, ...(name !== undefined && { name }) };
}

/** Verbs on kinds of dependents. */
const dependentVerbs = ['get', 'list', 'watch', 'create', 'patch', 'delete'];

/** Returns the permissions that an operator needs for its flags and delegations. */
export function rightsNeeded(pod: OperatorPod, kinds: readonly UsedKind[]): Right[] {
  const { namespace, electsLeader, leaseName, followsDelegations, namespaces, pluginNamespaces, insecureNamespaces } =
    pod;
  const declared = [...new Set([namespace, ...pluginNamespaces])];
  const everywhere = namespaces.length > 0 ? namespaces : [undefined];
  const leases = 'coordination.k8s.io';
  const hasDependents = kinds.some(({ role }) => role === 'dependent');
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
    ...(pod.followsAttachments ? everywhere.flatMap(rightsOnAttachments) : []),
    ...insecureNamespaces.flatMap((where) => [
      right('', 'pods', ['get', 'list', 'watch'], where),
      right('', 'services', ['list'], where),
    ]),
    ...(pod.isSecured ? rightsOfSecurity(pod) : []),
    right('catalogue.kplug.dev', 'providedcapabilities', ['list', 'watch', 'create', 'patch', 'delete'], undefined),
    ...everywhere.map((where) => right('events.k8s.io', 'events', ['create', 'patch'], where)),
    ...(hasDependents ? everywhere.map((where) => right('events.k8s.io', 'events', ['list'], where)) : []),
    ...kinds.flatMap(({ kind, role, served }) => {
      const group = groupOf(kind.apiVersion);
      const scopes = served.namespaced ? everywhere : [undefined];
      if (role === 'dependent') return scopes.map((where) => right(group, served.plural, dependentVerbs, where));
      return scopes.flatMap((where) => [
        right(group, served.plural, role === 'base' ? ['list', 'watch', 'patch'] : ['list', 'watch'], where),
        ...(served.hasStatus && role !== 'required' ? [right(group, `${served.plural}/status`, ['patch'], where)] : []),
      ]);
    }),
  ];
}

function rightsOnAttachments(namespace: string | undefined): Right[] {
  const group = 'attachments.kplug.dev';
  return [
    right(group, 'attachments', ['list', 'watch', 'delete'], namespace),
    right(group, 'attachments/status', ['patch'], namespace),
  ];
}

/** Returns the permissions to verify the identities of plugins and readers, and to keep certificates. Reviews are cluster-scoped. */
function rightsOfSecurity({ namespace, certificates }: OperatorPod): Right[] {
  const reviews = [
    right('authentication.k8s.io', 'tokenreviews', ['create'], undefined),
    right('authorization.k8s.io', 'subjectaccessreviews', ['create'], undefined),
  ];
  switch (certificates.from) {
    case 'folder':
      return reviews;
    case 'secret':
      return [...reviews, right('', 'secrets', ['get'], namespace, certificates.name)];
    case 'operator': {
      const { name, bundleNamespaces } = certificates;
      const published = [...new Set([namespace, ...bundleNamespaces])];
      return [
        ...reviews,
        right('', 'secrets', ['get', 'update'], namespace, `${name}-tls`),
        ...published.map((where) => right('', 'configmaps', ['get', 'update'], where, `${name}-ca`)),
      ];
    }
  }
}

/** Consequences of missing permissions, by their resource. */
const consequences: readonly (readonly [resource: RegExp, consequence: string])[] = [
  [/\btokenreviews\b/, 'until then, no plugin can prove its identity by the token of its ServiceAccount'],
  [
    /\bmay not list events\b/,
    'until then, the last Event about a dependent that does not become ready is not reported',
  ],
  [/\battachments\b/, 'until then, "kplug attach" does not work'],
  [/\bprovidedcapabilities\b/, 'until then, kubectl does not list the capabilities that can be asked for'],
  [/\bsubjectaccessreviews\b/, 'until then, the admin port refuses all readers of other pods'],
];

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
  return missing.value.map((rule) => {
    const consequence = consequences.find(([resource]) => resource.test(rule))?.[1];
    return check.problemFrom(rule, ...(consequence === undefined ? [] : [consequence]));
  });
}
