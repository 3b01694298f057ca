import { openClusterReader } from '@kplug/controller/tools';
import { CommandError } from '../command-error.ts';
import { kubeConfigOf } from './cluster-choice.ts';
import type { OperatorChoice, OperatorPlace } from './operator-place.ts';

/** Admin port of a pod of the chart. */
const adminPort = 8082;

/** Label selectors of the leader and of all operators of the chart. */
const leaders = 'kplug.dev/role=leader';
const operators = 'app.kubernetes.io/part-of=kplug,app.kubernetes.io/component=operator';

/** Finds the operator of a cluster and returns its location behind a forwarded port. Rejects with a `CommandError`. */
export async function findOperatorPod(choice: OperatorChoice): Promise<OperatorPlace> {
  const reader = await openClusterReader(kubeConfigOf(choice));
  try {
    const { operatorNamespace } = choice;
    const leading = await reader.pods(leaders, operatorNamespace);
    const pods = leading.length > 0 ? leading : await reader.pods(operators, operatorNamespace);
    const [pod, other] = pods;
    if (!pod) {
      const where = operatorNamespace === undefined ? '' : ` in the namespace ${operatorNamespace}`;
      const advice = 'install the chart, or give the admin port of an operator with --admin';
      throw new CommandError('unreachable', `the cluster at ${reader.server} has no Kplug operator${where}; ${advice}`);
    }
    if (other && other.namespace !== pod.namespace) {
      const namespaces = [...new Set(pods.map(({ namespace }) => namespace))].sort().join(', ');
      throw new CommandError('usage', `there are operators in ${namespaces}; select one with --operator-namespace`);
    }
    const agent = reader.forwardTo({ ...pod, port: adminPort });
    const origin = `the pod ${pod.namespace}/${pod.name}, by port-forward`;
    return { url: `http://localhost:${adminPort}`, origin, namespace: reader.namespace, connection: { agent } };
  } finally {
    await reader.close();
  }
}
