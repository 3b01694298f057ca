import { type KubernetesOptions, openDirectory, openKubernetes, type Resources } from '@kplug/controller';
import type { Logger } from 'pino';
import { CommandError } from '../command-error.ts';
import { readDuration } from './read-duration.ts';

/** What the command line says of where the resources are. */
export interface ResourcesChoice {
  /** A directory of manifests; missing for a cluster. */
  manifests?: string;
  kubeconfig?: string;
  context?: string;
  /** The namespaces that are followed; missing for all. */
  namespace?: string[];
  leaderElect?: boolean;
  leaderElectLeaseName: string;
  leaderElectNamespace?: string;
  leaderElectLeaseDuration: string;
  leaderElectRenewDeadline: string;
  leaderElectRetryPeriod: string;
}

/** Opens a directory, or a cluster where none is given. Rejects with a `CommandError` when options contradict each other. */
export async function openResources(choice: ResourcesChoice, logger: Logger): Promise<Resources> {
  const { manifests, kubeconfig, context, namespace: namespaces, leaderElect, leaderElectNamespace } = choice;
  if (manifests !== undefined) {
    const misplaced = Object.entries({ kubeconfig, context, namespace: namespaces, 'leader-elect': leaderElect });
    const [first] = misplaced.filter(([, value]) => value !== undefined);
    if (first) throw new CommandError('usage', `--${first[0]} is of a cluster, but --manifests names a directory`);
    return openDirectory({ directory: manifests, logger });
  }
  return openKubernetes({
    logger,
    ...(kubeconfig === undefined ? {} : { kubeconfig }),
    ...(context === undefined ? {} : { context }),
    ...(namespaces ? { namespaces } : {}),
    ...(leaderElectNamespace === undefined ? {} : { namespace: leaderElectNamespace }),
    ...(leaderElect ? { leaderElection: leaderElectionOf(choice) } : {}),
  });
}

function leaderElectionOf(choice: ResourcesChoice): NonNullable<KubernetesOptions['leaderElection']> {
  return {
    leaseName: choice.leaderElectLeaseName,
    leaseDuration: readDuration(choice.leaderElectLeaseDuration, '--leader-elect-lease-duration'),
    renewDeadline: readDuration(choice.leaderElectRenewDeadline, '--leader-elect-renew-deadline'),
    retryPeriod: readDuration(choice.leaderElectRetryPeriod, '--leader-elect-retry-period'),
  };
}
