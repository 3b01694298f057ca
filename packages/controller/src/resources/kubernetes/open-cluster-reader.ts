import type { ClusterReader } from './cluster-reader.ts';
import type { KubeConfigChoice } from './load-kube-config.ts';

/** Opens a cluster for a tool that reads it once. Rejects with `InvalidConfiguration` when the kubeconfig can't be used. */
export async function openClusterReader(choice: KubeConfigChoice): Promise<ClusterReader> {
  const { ClusterReader } = await import('./cluster-reader.ts');
  return new ClusterReader(choice);
}
