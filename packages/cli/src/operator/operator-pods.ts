import type { ClusterReader, LoggedPod } from '@kplug/controller/tools';
import { CommandError } from '../command-error.ts';

/** Label selectors of the leader and of all operators of the chart. */
const leaders = 'kplug.dev/role=leader';
const operators = 'app.kubernetes.io/part-of=kplug,app.kubernetes.io/component=operator';

/** Lists the pods of operators, in one namespace or in all; only those that lead if there are any. */
export async function listOperatorPods(reader: ClusterReader, namespace: string | undefined): Promise<LoggedPod[]> {
  const leading = await reader.pods(leaders, namespace);
  return leading.length > 0 ? leading : reader.pods(operators, namespace);
}

/**
 * Returns a pod of the operator of a cluster. Rejects with a `CommandError` if there is none, or operators in several namespaces.
 *
 * @param advice remedy if there is none.
 */
export async function findOperatorPod(
  reader: ClusterReader,
  namespace: string | undefined,
  advice: string,
): Promise<LoggedPod> {
  const pods = await listOperatorPods(reader, namespace);
  const [pod] = pods;
  if (!pod) {
    const where = namespace === undefined ? '' : ` in the namespace ${namespace}`;
    throw new CommandError('unreachable', `the cluster at ${reader.server} has no Kplug operator${where}; ${advice}`);
  }
  const namespaces = [...new Set(pods.map((one) => one.namespace))].sort();
  if (namespaces.length > 1) {
    throw new CommandError(
      'usage',
      `there are operators in ${namespaces.join(', ')}; select one with --operator-namespace`,
    );
  }
  return pod;
}
