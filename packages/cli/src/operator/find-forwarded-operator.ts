import { type ClusterReader, type LoggedPod, openClusterReader } from '@kplug/controller/tools';
import { kubeConfigOf } from './cluster-choice.ts';
import type { OperatorChoice, OperatorPlace } from './operator-place.ts';
import { findOperatorPod } from './operator-pods.ts';

/** Admin port of a pod of the chart. */
const adminPort = 8082;

/** Location of an operator behind a forwarded port. */
export type ForwardedPlace = Pick<OperatorPlace, 'url' | 'origin' | 'connection'>;

/** Returns the location of the operator in a pod. A port is forwarded with the first request. */
export function forwardTo(reader: ClusterReader, { namespace, name }: LoggedPod): ForwardedPlace {
  const agent = reader.forwardTo({ namespace, name, port: adminPort });
  const origin = `the pod ${namespace}/${name}, by port-forward`;
  return { url: `http://localhost:${adminPort}`, origin, connection: { agent } };
}

/** Finds the operator of a cluster and returns its location behind a forwarded port. Rejects with a `CommandError`. */
export async function findForwardedOperator(choice: OperatorChoice): Promise<OperatorPlace> {
  const reader = await openClusterReader(kubeConfigOf(choice));
  try {
    const advice = 'install the chart, or give the admin port of an operator with --admin';
    const pod = await findOperatorPod(reader, choice.operatorNamespace, advice);
    return { ...forwardTo(reader, pod), namespace: reader.namespace };
  } finally {
    await reader.close();
  }
}
