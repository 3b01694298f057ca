import type { KubeConfig } from '@kubernetes/client-node';
import type { Logger } from 'pino';
import type { RequestObservation } from '../cluster-services.ts';
import type { ClusterReader } from './cluster-reader.ts';
import type { KubernetesResources } from './kubernetes-resources.ts';
import type { LeaderElectionOptions } from './kubernetes-services.ts';
import type { KubeConfigChoice } from './load-kube-config.ts';

/** Options of `openKubernetes`. All times are in milliseconds. */
export interface KubernetesOptions {
  /**
   * Where the cluster is, and who asks. Default: as `kubectl` finds it, from `KUBECONFIG`, the home directory, or the service
   * account of the pod. Tokens and certificates are renewed as they change.
   */
  kubeConfig?: KubeConfig;
  /** The kubeconfig file, in place of those that `kubectl` looks for. Not together with `kubeConfig`. */
  kubeconfig?: string;
  /** The context of the kubeconfig. Default: its current one. Not together with `kubeConfig`. */
  context?: string;
  /** The namespaces that are followed. Default: all, which takes rights in the whole cluster. */
  namespaces?: readonly string[];
  /**
   * The namespace of the operator itself, where its Lease, its `Plugin` resources and the pods of its plugins are. Default:
   * `POD_NAMESPACE`, else that of the context, else `default`.
   */
  namespace?: string;
  /**
   * Further namespaces in which users may declare plugins that don't beat, by a `Plugin` or a labelled Service. Default: only that of
   * the operator. Whoever may write there decides which plugins there are.
   */
  pluginNamespaces?: readonly string[];
  /** The pod that the operator runs in. Default: `POD_NAME`. Missing outside of the cluster. */
  pod?: string;
  /** Takes part in electing a leader. Default: not, as when there is only one operator. */
  leaderElection?: LeaderElectionOptions;
  /** Hears of kinds that can't be read, and of that being over. */
  logger: Logger;
  /** How long the API server may take to answer. Default 30,000; between 5,000 and 60,000 is sane. */
  requestTimeout?: number;
  /**
   * How long a watch lasts before it is renewed, which also bounds how long a dead connection goes unnoticed: a quarter more.
   * Default 45,000; between 10,000 and 240,000 is sane.
   */
  watchTimeout?: number;
  /** Hears of each request when it was answered, for metrics such as `rest_client_requests_total`. Must not throw. */
  observe?: (request: RequestObservation) => void;
}

/**
 * Follows and writes the resources of a Kubernetes cluster. Nothing is asked of the API server yet, so it may come later. Rejects
 * with `InvalidConfiguration` when the kubeconfig can't be used.
 */
export async function openKubernetes(options: KubernetesOptions): Promise<KubernetesResources> {
  // client-node takes long to load, and an operator on a directory does without it.
  const [{ loadKubeConfig }, { Transport }, { KubernetesResources }] = await Promise.all([
    import('./load-kube-config.ts'),
    import('./transport.ts'),
    import('./kubernetes-resources.ts'),
  ]);
  const { requestTimeout = 30_000, watchTimeout = 45_000, namespaces = [], logger, observe } = options;
  const kubeConfig = options.kubeConfig ?? loadKubeConfig(options);
  const transport = new Transport(kubeConfig, { timeout: requestTimeout, observe });
  const place = {
    namespace: options.namespace ?? process.env.POD_NAMESPACE ?? namespaceOf(kubeConfig),
    pluginNamespaces: options.pluginNamespaces,
    pod: options.pod ?? process.env.POD_NAME,
    leaderElection: options.leaderElection,
  };
  return new KubernetesResources({ kubeConfig, transport, namespaces, logger, watchDuration: watchTimeout, place });
}

function namespaceOf(kubeConfig: KubeConfig): string {
  return kubeConfig.getContextObject(kubeConfig.getCurrentContext())?.namespace ?? 'default';
}

/** Opens a cluster for a tool that reads it once. Rejects with `InvalidConfiguration` when the kubeconfig can't be used. */
export async function openClusterReader(choice: KubeConfigChoice): Promise<ClusterReader> {
  const { ClusterReader } = await import('./cluster-reader.ts');
  return new ClusterReader(choice);
}
