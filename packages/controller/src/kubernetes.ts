// Export path `@kplug/controller/kubernetes`: resources of a Kubernetes cluster.
import './require-node.ts';

export type { LeaderElectionOptions } from './resources/kubernetes/kubernetes-services.ts';
export type { LeaderElectionTimes } from './resources/kubernetes/leader-election.ts';
export {
  type CertificateNames,
  type KubernetesOptions,
  openKubernetes,
} from './resources/kubernetes/open-kubernetes.ts';
