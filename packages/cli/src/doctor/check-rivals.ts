import type { JsonObject } from '@kplug/controller';
import { plain } from '../output/table.ts';
import type { ClusterView } from './cluster-view.ts';
import { Check, type Finding } from './finding.ts';
import type { OperatorPod } from './operator-pod.ts';
import { objectOf, objectsIn, textsIn } from './read-json.ts';

const about = 'Delegation resources';

/** What the conditions of a `Delegation` are about that nothing else is checked for. */
const watched = ['Accepted', 'KindFound', 'Permitted'];

/** Whether the `Delegation` resources are taken by one operator each, and hold. */
export function checkDeclared({ delegations, operators }: ClusterView): Finding[] {
  const check = new Check('DelegationsHold', about);
  const rivals = operators.value ? checkRivals(operators.value) : [];
  if (!delegations.value) return [...rivals, check.notTried(`whether they hold: ${delegations.failure}`)];
  const found = delegations.value.flatMap((one) => checkOne(check, one, operators.value));
  if (found.length > 0 || delegations.value.length === 0) return [...rivals, ...found];
  const count = delegations.value.length;
  return [...rivals, check.ok(count === 1 ? 'the only one holds' : `all ${count} hold`)];
}

function checkRivals(pods: readonly OperatorPod[]): Finding[] {
  const following = pods.filter(({ followsDelegations }) => followsDelegations);
  return [...Map.groupBy(following, ({ operatorName }) => operatorName)].flatMap(([name, group]) => {
    const installations = [...new Set(group.map(({ installation }) => installation))].sort();
    if (installations.length < 2) return [];
    const which = name ? `labelled kplug.dev/operator: ${name}` : 'without the label kplug.dev/operator';
    const message = `the operators ${installations.join(' and ')} take the same Delegations, those ${which}`;
    const advice =
      'run each with an --operator-name of its own (delegationResources.operatorName in the chart), and label the Delegations with it';
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
    const message = `no operator has taken ${String(name)} as it is now`;
    return [check.warning(message, adviceOn(wanted, operators))];
  }
  return objectsIn(conditions)
    .filter(({ type, status: state }) => watched.includes(String(type)) && state === 'False')
    .map(({ type, reason, message }) =>
      check.told(`${String(name)} isn't ${String(type)} (${String(reason)}): ${plain(String(message))}`),
    );
}

function adviceOn(wanted: string, operators: readonly OperatorPod[] | undefined): string {
  const takers = operators?.filter((one) => one.followsDelegations && one.operatorName === wanted);
  if (!takers || takers.length > 0) return 'look at the log of the operator, which takes it once it leads';
  const names = [...new Set((operators ?? []).map(({ operatorName }) => operatorName))].filter(Boolean).join(', ');
  if (wanted)
    return `correct its label kplug.dev/operator, which is ${wanted}; there are operators named ${names || 'nothing'}`;
  const label = names && `; or label it kplug.dev/operator: ${names}`;
  return `have an operator follow Delegations, by leaving --no-follow-delegations out${label}`;
}
