import { openClusterReader } from '@kplug/controller/tools';
import { kubeConfigOf } from './cluster-choice.ts';
import type { OperatorChoice, OperatorPlace } from './operator-place.ts';
import { findOperatorPod } from './operator-pods.ts';

/** Admin port of a pod of the chart. */
export const adminPort = 8082;

/** Finds the operator of a cluster and returns its location behind a forwarded port. Rejects with a `CommandError`. */
export async function findForwardedOperator(choice: OperatorChoice): Promise<OperatorPlace> {
  const reader = await openClusterReader(kubeConfigOf(choice));
  try {
    const advice = 'install the chart, or give the admin port of an operator with --admin';
    const pod = await findOperatorPod(reader, choice.operatorNamespace, advice);
    const agent = reader.forwardTo({ ...pod, port: adminPort });
    const origin = `the pod ${pod.namespace}/${pod.name}, by port-forward`;
    return { url: `http://localhost:${adminPort}`, origin, namespace: reader.namespace, connection: { agent } };
  } finally {
    await reader.close();
  }
}
