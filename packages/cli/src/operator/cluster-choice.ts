/** Cluster that a command line names, if it names one. */
export interface ClusterChoice {
  /** True to use the cluster of the current context instead of a directory. */
  cluster?: boolean;
  kubeconfig?: string;
  context?: string;
}

/** Reports whether the command line names a cluster instead of a directory. */
export function meansCluster({ cluster, kubeconfig, context }: ClusterChoice): boolean {
  return cluster === true || kubeconfig !== undefined || context !== undefined;
}

/** Returns the options that select the cluster. */
export function kubeConfigOf({ kubeconfig, context }: ClusterChoice): { kubeconfig?: string; context?: string } {
  return { ...(kubeconfig === undefined ? {} : { kubeconfig }), ...(context === undefined ? {} : { context }) };
}
