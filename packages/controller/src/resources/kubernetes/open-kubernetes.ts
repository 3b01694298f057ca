import type { KubeConfig } from '@kubernetes/client-node';
import type { Logger } from 'pino';
import { limitTable } from '../../limits/limits.ts';
import { readLimit } from '../../limits/read-limit.ts';
import type { Resources } from '../port.ts';
import type { RequestListener } from '../services/request-observation.ts';
import type { LeaderElectionOptions } from './kubernetes-services.ts';

/** Options of `openKubernetes`. All times are in milliseconds. */
export interface KubernetesOptions {
  /**
   * Cluster and credentials. Default: as for `kubectl`, from `KUBECONFIG`, the home directory, or the service account of the pod. Tokens
   * and certificates are renewed as they change.
   */
  kubeConfig?: KubeConfig;
  /** Path of a kubeconfig, instead of the files that `kubectl` uses. Ignored when `kubeConfig` is given. */
  kubeconfig?: string;
  /** Context of the kubeconfig. Default: the current one. Ignored when `kubeConfig` is given. */
  context?: string;
  /** Namespaces to follow. Default: all, which takes rights in the whole cluster. */
  namespaces?: readonly string[];
  /**
   * Namespace of the operator itself, with its Lease, its `Plugin` resources and the pods of its plugins. Default: `POD_NAMESPACE`, else
   * that of the context, else `default`.
   */
  namespace?: string;
  /**
   * Additional namespaces in which users may declare plugins that send no heartbeats, by a `Plugin` or a labelled Service. Default: only
   * the operator's. Whoever may write there decides which plugins exist.
   */
  pluginNamespaces?: readonly string[];
  /** Pod of the operator. Default: `POD_NAME`. Missing outside of the cluster. */
  pod?: string;
  /**
   * Names of the operator's own certificates: the Secret `NAME-tls` has the CA and its keys, the ConfigMap `NAME-ca` the CA bundle. Default:
   * `kplug`, with the bundle in the operator's namespace only.
   */
  certificates?: CertificateNames;
  /** Leader election among several operators. Default: none. */
  leaderElection?: LeaderElectionOptions;
  /** Logger for kinds that can't be read, among others. */
  logger: Logger;
  /** Timeout of a request. Default 30,000; between 5,000 and 60,000 is recommended. */
  requestTimeout?: number;
  /**
   * Duration of a watch before it is renewed. A dead connection is noticed after at most a quarter more. Default 45,000; between 10,000 and
   * 240,000 is recommended.
   */
  watchTimeout?: number;
  /** Receives each request after its response, for metrics such as `rest_client_requests_total`. Must not throw. */
  observe?: RequestListener;
}

/** Names of the operator's own certificates. */
export interface CertificateNames {
  name: string;
  /** Additional namespaces in which the CA bundle is published, for the plugins there. */
  bundleNamespaces?: readonly string[];
}

/**
 * Opens the resources of a Kubernetes cluster. Sends no request yet, so the API server may come later. Rejects with
 * `InvalidConfiguration` when the kubeconfig can't be used.
 */
export async function openKubernetes(options: KubernetesOptions): Promise<Resources> {
  // client-node takes long to load, and an operator on a directory doesn't need it.
  const [{ loadKubeConfig }, { Transport }, { KubernetesResources }] = await Promise.all([
    import('./load-kube-config.ts'),
    import('./transport.ts'),
    import('./kubernetes-resources.ts'),
  ]);
  const requestTimeout = readLimit(limitTable.kubernetes.requestTimeout, options.requestTimeout);
  const watchTimeout = readLimit(limitTable.kubernetes.watchTimeout, options.watchTimeout);
  const { namespaces = [], logger, observe } = options;
  const kubeConfig = options.kubeConfig ?? loadKubeConfig(options);
  const transport = new Transport(kubeConfig, { timeout: requestTimeout, observe });
  const place = {
    namespace: options.namespace ?? process.env.POD_NAMESPACE ?? namespaceOf(kubeConfig),
    pluginNamespaces: options.pluginNamespaces,
    pod: options.pod ?? process.env.POD_NAME,
    certificates: options.certificates,
    leaderElection: options.leaderElection,
  };
  return new KubernetesResources({ kubeConfig, transport, namespaces, logger, watchDuration: watchTimeout, place });
}

function namespaceOf(kubeConfig: KubeConfig): string {
  return kubeConfig.getContextObject(kubeConfig.getCurrentContext())?.namespace ?? 'default';
}
