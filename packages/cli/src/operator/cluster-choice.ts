/** What a command line says of the cluster that it means, if it means one. */
export interface ClusterChoice {
  /** The cluster of the current context, in place of a directory. */
  cluster?: boolean;
  kubeconfig?: string;
  context?: string;
}

/** Whether a cluster is meant, and not a directory. */
export function meansCluster({ cluster, kubeconfig, context }: ClusterChoice): boolean {
  return cluster === true || kubeconfig !== undefined || context !== undefined;
}

/** The part that decides which cluster. */
export function kubeConfigOf({ kubeconfig, context }: ClusterChoice): { kubeconfig?: string; context?: string } {
  return { ...(kubeconfig === undefined ? {} : { kubeconfig }), ...(context === undefined ? {} : { context }) };
}
