import { readDirectory } from '@kplug/controller/directory';
import { openClusterReader } from '@kplug/controller/tools';
import { findDirectories } from '../input/find-manifests.ts';
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
import { checkSecurity } from './check-security.ts';
import { checkVersions } from './check-versions.ts';
import { readServer } from './cluster-view.ts';
import { examineCluster } from './examine-cluster.ts';
import { Check, type Finding } from './finding.ts';
import { labelIn, type OperatorView, readOperatorView } from './operator-view.ts';
import type { TrackProgress } from './track-progress.ts';

/** Runs all checks. Rejects only for usage errors. */
export async function examine(choice: OperatorChoice, own: Own, track: TrackProgress): Promise<Finding[]> {
  if (meansCluster(choice)) return examineOnCluster(choice, own, track);
  return examineDirectory({ ...choice, ...(await findDirectories(choice)) }, own, track);
}

async function examineDirectory(choice: OperatorChoice, own: Own, track: TrackProgress): Promise<Finding[]> {
  const operator = await track('the operator', readOperator(choice));
  const file = choice.admin === undefined ? await readOperatorFile(choice.manifests, choice.stateDir) : undefined;
  return [
    ...checkView(operator, choice, own, file?.heartbeatAddress),
    ...(await examineManifests(choice, operator)),
    ...checkClocks(operatorClock(operator)),
    ...checkVersions({ own, operatorNode: operatorNode(operator) }),
  ];
}

async function readOperator(choice: OperatorChoice): Promise<Answer<OperatorView>> {
  const place = await answerOf(findOperator(choice));
  return place.value ? { value: await readOperatorView(place.value) } : place;
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
    ...checkSecurity(operator.value, choice),
  ];
}

function operatorClock({ value }: Answer<OperatorView>) {
  // An unreachable operator has its own finding.
  return value?.delegations.value ? [{ owner: 'the operator', reading: value.metrics.value?.clock }] : [];
}

function operatorNode({ value }: Answer<OperatorView>): string | undefined {
  return value && labelIn(value.metrics.value?.text ?? '', 'nodejs_version_info', 'version');
}

/** Checks the manifests if the operator is known to use them. */
async function examineManifests(choice: OperatorChoice, operator: Answer<OperatorView>): Promise<Finding[]> {
  const { admin, manifests, stateDir } = choice;
  const isMeant = manifests !== '.' || (await readOperatorFile(manifests, stateDir)) !== undefined;
  if (admin !== undefined || !isMeant) return [];
  return checkManifests(
    manifests,
    await answerOf(readDirectory(manifests, stateDir === undefined ? {} : { stateDir })),
    operator.value?.delegations.value ?? [],
  );
}

async function examineOnCluster(choice: OperatorChoice, own: Own, track: TrackProgress): Promise<Finding[]> {
  const reader = await openClusterReader(kubeConfigOf(choice));
  try {
    const inspector = reader.inspector();
    const check = new Check('ClusterAnswers', 'cluster');
    const server = await track('the API server', answerOf(readServer(reader, inspector)));
    if (!server.value) {
      const advice = 'select another cluster with --kubeconfig or --context, or make this one reachable';
      return [check.problemFrom(server.failure, advice), ...checkVersions({ own, operatorNode: undefined })];
    }
    const { url, version, clock } = server.value;
    const operator = track('the operator', readOperator(choice));
    const onCluster = examineCluster({ reader, inspector, choice, clock, operator, track });
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
