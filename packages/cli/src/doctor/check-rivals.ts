import type { JsonObject } from '@kplug/controller';
import { plain } from '../output/table.ts';
import type { ClusterView } from './cluster-view.ts';
import { Check, type Finding } from './finding.ts';
import type { OperatorPod } from './operator-pod.ts';
import { objectOf, objectsIn, textsIn } from './read-json.ts';

const about = 'Delegation resources';

/** Conditions of a `Delegation` that no other check covers. */
const checkedConditions = ['Accepted', 'KindFound', 'Permitted'];

/** Checks that one operator follows each `Delegation` and has accepted it. */
export function checkDeclared({ delegations, operators }: ClusterView): Finding[] {
  const check = new Check('DelegationsHold', about);
  const rivals = operators.value ? checkRivals(operators.value) : [];
  if (!delegations.value) return [...rivals, check.notTried(`conditions: ${delegations.failure}`)];
  const found = delegations.value.flatMap((one) => checkOne(check, one, operators.value));
  if (found.length > 0 || delegations.value.length === 0) return [...rivals, ...found];
  const count = delegations.value.length;
  return [...rivals, check.ok(count === 1 ? 'the Delegation is accepted' : `all ${count} Delegations are accepted`)];
}

function checkRivals(pods: readonly OperatorPod[]): Finding[] {
  const following = pods.filter(({ followsDelegations }) => followsDelegations);
  return [...Map.groupBy(following, ({ operatorName }) => operatorName)].flatMap(([name, group]) => {
    const installations = [...new Set(group.map(({ installation }) => installation))].sort();
    if (installations.length < 2) return [];
    const which = name ? `labelled kplug.dev/operator: ${name}` : 'without the label kplug.dev/operator';
    const message = `the operators ${installations.join(' and ')} follow the same Delegations, those ${which}`;
    const advice =
      'give each its own --operator-name (delegationResources.operatorName in the chart), and label the Delegations with it';
    return [new Check('OneOperatorEach', about).problem(message, advice)];
  });
}

function checkOne(
  check: Check,
  { metadata, status }: JsonObject,
  operators: readonly OperatorPod[] | undefined,
): Finding[] {
  const { name, labels, generation } = objectOf(metadata);
  const { conditions, observedGeneration } = objectOf(status);
  if (observedGeneration !== generation) {
    const wanted = textsIn(labels)['kplug.dev/operator'] ?? '';
    const message = `no operator has observed the current generation of ${String(name)}`;
    return [check.warning(message, adviceOn(wanted, operators))];
  }
  return objectsIn(conditions)
    .filter(({ type, status: state }) => checkedConditions.includes(String(type)) && state === 'False')
    .map(({ type, reason, message }) =>
      check.problemFrom(`${String(name)} is not ${String(type)} (${String(reason)}): ${plain(String(message))}`),
    );
}

function adviceOn(wanted: string, operators: readonly OperatorPod[] | undefined): string {
  const followers = operators?.filter((one) => one.followsDelegations && one.operatorName === wanted);
  if (!followers || followers.length > 0)
    return 'check the log of the operator, which follows Delegations while it leads';
  const names = [...new Set((operators ?? []).map(({ operatorName }) => operatorName))].filter(Boolean).join(', ');
  if (wanted) return `correct its label kplug.dev/operator: ${wanted}; the operators are named ${names || '(none)'}`;
  const label = names && `; or label it kplug.dev/operator: ${names}`;
  return `run an operator without --no-follow-delegations${label}`;
}
