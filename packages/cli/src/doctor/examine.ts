import { openClusterReader, readDirectory } from '@kplug/controller';
import { kubeConfigOf, meansCluster } from '../operator/cluster-choice.ts';
import { findOperator } from '../operator/find-operator.ts';
import type { OperatorChoice } from '../operator/operator-place.ts';
import { readOperatorFile } from '../operator/read-operator-file.ts';
import { type Answer, answerOf } from './answer.ts';
import { checkClocks } from './check-clocks.ts';
import { checkDelegations } from './check-delegations.ts';
import { checkManifests } from './check-manifests.ts';
import { checkAbsence, checkOperator, type Own } from './check-operator.ts';
import { checkPlugins } from './check-plugins.ts';
import { checkVersions } from './check-versions.ts';
import { lookAtServer } from './cluster-view.ts';
import { examineCluster } from './examine-cluster.ts';
import { Check, type Finding } from './finding.ts';
import { labelIn, lookAtOperator, type OperatorView } from './operator-view.ts';
import type { Waiting } from './waiting.ts';

/** Looks for the common mistakes. Rejects only when the command line can't be understood. */
export async function examine(choice: OperatorChoice, own: Own, waiting: Waiting): Promise<Finding[]> {
  if (meansCluster(choice)) return examineOnCluster(choice, own, waiting);
  const operator = await waiting('the operator', look(choice));
  const file = choice.admin === undefined ? await readOperatorFile(choice.manifests) : undefined;
  return [
    ...checkView(operator, choice, own, file?.heartbeatAddress),
    ...(await examineManifests(choice, operator)),
    ...checkClocks(operatorClock(operator)),
    ...checkVersions({ own, operatorNode: operatorNode(operator) }),
  ];
}

async function look(choice: OperatorChoice): Promise<Answer<OperatorView>> {
  const place = await answerOf(findOperator(choice));
  return place.value ? { value: await lookAtOperator(place.value) } : place;
}

function checkView(
  operator: Answer<OperatorView>,
  choice: OperatorChoice,
  own: Own,
  heartbeat: string | undefined,
): Finding[] {
  if (!operator.value) return [checkAbsence(operator)];
  return [
    ...checkOperator(operator.value, own),
    ...checkDelegations(operator.value, choice, heartbeat),
    ...checkPlugins(operator.value, choice),
  ];
}

function operatorClock({ value }: Answer<OperatorView>) {
  // Who doesn't answer at all has been told of.
  return value?.delegations.value ? [{ owner: 'the operator', reading: value.metrics.value?.clock }] : [];
}

function operatorNode({ value }: Answer<OperatorView>): string | undefined {
  return value && labelIn(value.metrics.value?.text ?? '', 'nodejs_version_info', 'version');
}

/** The manifests are looked at where they are what the operator runs on, as far as is known. */
async function examineManifests(choice: OperatorChoice, operator: Answer<OperatorView>): Promise<Finding[]> {
  const { admin, manifests } = choice;
  const isMeant = manifests !== '.' || (await readOperatorFile(manifests)) !== undefined;
  if (admin !== undefined || !isMeant) return [];
  return checkManifests(manifests, await answerOf(readDirectory(manifests)), operator.value?.delegations.value ?? []);
}

async function examineOnCluster(choice: OperatorChoice, own: Own, waiting: Waiting): Promise<Finding[]> {
  const reader = await openClusterReader(kubeConfigOf(choice));
  try {
    const inspector = reader.inspector();
    const check = new Check('ClusterAnswers', 'cluster');
    const server = await waiting('the API server', answerOf(lookAtServer(reader, inspector)));
    if (!server.value) {
      const advice = 'name another cluster with --kubeconfig or --context, or see that this one can be reached';
      return [check.told(server.failure, advice), ...checkVersions({ own, operatorNode: undefined })];
    }
    const { url, version, clock } = server.value;
    const operator = waiting('the operator', look(choice));
    const onCluster = examineCluster({ reader, inspector, choice, clock, operator, waiting });
    const [view, { aboutOperator, aboutCluster, heartbeat }] = await Promise.all([operator, onCluster]);
    return [
      ...checkView(view, choice, own, heartbeat),
      ...aboutOperator,
      check.ok(`the API server answers at ${url}`),
      ...aboutCluster,
      ...checkClocks([{ owner: 'the API server', reading: clock }, ...operatorClock(view)]),
      ...checkVersions({ own, operatorNode: operatorNode(view), kubernetes: version }),
    ];
  } finally {
    await reader.close();
  }
}
