import type { JsonObject } from '@kplug/controller';
import { HeartbeatSecurity } from '@kplug/protocol';
import { type ClusterView, ownPods } from './cluster-view.ts';
import { Check, type Finding } from './finding.ts';
import type { OperatorView } from './operator-view.ts';
import { objectOf, objectsIn, textsIn, textsOf } from './read-json.ts';

/** Checks that a NetworkPolicy restricts who reaches the heartbeat port of an operator, if other pods reach it at all. */
export function checkNetwork(view: ClusterView, operator: OperatorView | undefined): Finding[] {
  const mode = operator?.security.value?.heartbeatSecurity;
  const [pod] = ownPods(view);
  if (!pod || mode === undefined || mode === HeartbeatSecurity.LOOPBACK) return [];
  const check = new Check('NetworkRestricted', 'security');
  const { networkPolicies, namespace } = view;
  if (networkPolicies.failure !== undefined) return [check.notTried(`NetworkPolicies: ${networkPolicies.failure}`)];
  const names = (networkPolicies.value ?? []).flatMap(({ metadata, spec }) => {
    const { podSelector, policyTypes } = objectOf(spec);
    const isForIngress = policyTypes === undefined || textsOf(policyTypes).includes('Ingress');
    return isForIngress && isSelected(pod.labels, objectOf(podSelector)) ? [String(objectOf(metadata).name)] : [];
  });
  if (names.length > 0) return [check.ok(`the NetworkPolicy ${names.join(', ')} restricts who reaches the operator`)];
  return [
    check.warning(
      `no NetworkPolicy of the namespace ${namespace} selects the pods of the operator, so every pod reaches their ports`,
      'set networkPolicy.enabled in the chart, and use a network plugin that enforces it',
    ),
  ];
}

function isSelected(labels: Readonly<Record<string, string>>, selector: JsonObject): boolean {
  const isEqual = ([name, value]: [string, string]) => labels[name] === value;
  return (
    Object.entries(textsIn(selector.matchLabels)).every(isEqual) && objectsIn(selector.matchExpressions).every(holds)
  );

  function holds({ key, operator, values }: JsonObject): boolean {
    const value = labels[String(key)];
    switch (operator) {
      case 'In':
        return value !== undefined && textsOf(values).includes(value);
      case 'NotIn':
        return value === undefined || !textsOf(values).includes(value);
      case 'Exists':
        return value !== undefined;
      default:
        return value === undefined;
    }
  }
}
