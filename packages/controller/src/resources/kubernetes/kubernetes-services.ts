import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import type { KubeConfig } from '@kubernetes/client-node';
import type { Logger } from 'pino';
import type { ClusterServices, RequestObservation } from '../cluster-services.ts';
import type { Resource, ResourceKey } from '../resource.ts';
import { AccessReview } from './access-review.ts';
import type { Discovery } from './discovery.ts';
import { EventWriter } from './event-writer.ts';
import { Fence } from './fence.ts';
import { LeaderElection, type LeaderElectionTerms } from './leader-election.ts';
import { LeaderLabel } from './leader-label.ts';
import { LeaseLock } from './lease-lock.ts';
import { PluginFollower } from './plugin-follower.ts';
import { PluginIdentities } from './plugin-identities.ts';
import { KubernetesPluginStore } from './plugin-store.ts';
import { PodFollower } from './pod-follower.ts';
import { serverAddresses } from './server-addresses.ts';
import type { Transport } from './transport.ts';

/** Where this process is in the cluster, and what it takes part in. */
export interface Place {
  /** Where the Lease, the `Plugin` resources and the plugins' pods are. */
  namespace: string;
  /** Further namespaces in which plugins that don't beat are declared. */
  pluginNamespaces?: readonly string[] | undefined;
  /** The pod that this process runs in; missing outside of the cluster. */
  pod: string | undefined;
  /** Missing when only one process of this operator ever runs. */
  leaderElection: LeaderElectionOptions | undefined;
}

/** Options of leader election. */
export interface LeaderElectionOptions extends LeaderElectionTerms {
  /** The name of the Lease, the same for all processes of one operator. Default `kplug`. */
  leaseName?: string;
}

/** What a cluster offers to an operator beyond its resources. */
export class KubernetesServices implements ClusterServices {
  readonly events: EventWriter;
  readonly plugins: KubernetesPluginStore;
  readonly pods: PodFollower;
  readonly declarations: PluginFollower;
  readonly reservedAddresses: readonly string[];
  readonly access: AccessReview;
  readonly identities: PluginIdentities;
  readonly leadership: LeaderElection | undefined;
  readonly #transport: Transport;

  constructor(
    { namespace, pluginNamespaces = [], pod, leaderElection }: Place,
    parts: {
      kubeConfig: KubeConfig;
      transport: Transport;
      discovery: Discovery;
      namespaces: readonly string[];
      watchDuration: number;
      logger: Logger;
    },
    find: (key: ResourceKey) => Resource | undefined,
  ) {
    const { transport, logger } = parts;
    this.#transport = transport;
    const reportingInstance = pod ?? hostname();
    this.events = new EventWriter(transport, find, {
      reportingController: 'kplug.dev/operator',
      reportingInstance,
      logger,
    });
    this.plugins = new KubernetesPluginStore(transport, namespace);
    this.pods = new PodFollower({ ...parts, namespace });
    this.declarations = new PluginFollower({ ...parts, namespaces: [...new Set([namespace, ...pluginNamespaces])] });
    this.reservedAddresses = serverAddresses(transport.server, process.env);
    this.access = new AccessReview(parts);
    this.identities = new PluginIdentities(transport, { kubeConfig: parts.kubeConfig, namespace });
    if (!leaderElection) return;
    const { leaseName = 'kplug', ...terms } = leaderElection;
    const fence = new Fence();
    transport.guard(fence);
    this.leadership = new LeaderElection({
      lock: new LeaseLock(transport, { namespace, name: leaseName }),
      label: pod === undefined ? undefined : new LeaderLabel(transport, { namespace, pod }),
      identity: `${reportingInstance}_${randomUUID()}`,
      fence,
      logger,
      terms,
    });
  }

  observeRequests(listener: (request: RequestObservation) => void): void {
    this.#transport.observe(listener);
  }

  /** Writes what waits, and gives the lead up. */
  async close(): Promise<void> {
    await Promise.all([this.pods.stop(), this.declarations.stop(), this.events.close()]);
    await this.leadership?.release();
  }
}
