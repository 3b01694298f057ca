import { openClusterReader } from '@kplug/controller';
import { CommandError } from '../command-error.ts';
import { kubeConfigOf } from './cluster-choice.ts';
import type { OperatorChoice, OperatorPlace } from './operator-place.ts';

/** The port of the admin services in a pod, as the chart has it. */
const adminPort = 8082;

/** The leader has this label, and any operator of the chart that one. */
const leaders = 'kplug.dev/role=leader';
const operators = 'app.kubernetes.io/part-of=kplug,app.kubernetes.io/component=operator';

/** Finds the operator of a cluster; it is reached through the API server. Rejects with a `CommandError`. */
export async function findOperatorPod(choice: OperatorChoice): Promise<OperatorPlace> {
  const reader = await openClusterReader(kubeConfigOf(choice));
  try {
    const { operatorNamespace } = choice;
    const leading = await reader.pods(leaders, operatorNamespace);
    const pods = leading.length > 0 ? leading : await reader.pods(operators, operatorNamespace);
    const [pod, other] = pods;
    if (!pod) {
      const where = operatorNamespace === undefined ? '' : ` in the namespace ${operatorNamespace}`;
      const advice = 'install the chart, or name the admin port of an operator elsewhere with --admin';
      throw new CommandError(
        'unreachable',
        `the cluster at ${reader.server} has no operator of Kplug${where}; ${advice}`,
      );
    }
    if (other && other.namespace !== pod.namespace) {
      const namespaces = [...new Set(pods.map(({ namespace }) => namespace))].sort().join(', ');
      throw new CommandError('usage', `there are operators in ${namespaces}; choose one with --operator-namespace`);
    }
    const { url, headers, tls } = await reader.proxyTo({ ...pod, port: adminPort });
    const origin = `the pod ${pod.namespace}/${pod.name}, through the API server`;
    return { url, origin, namespace: reader.namespace, credentials: { headers, tls } };
  } finally {
    await reader.close();
  }
}
