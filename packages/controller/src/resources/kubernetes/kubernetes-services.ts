import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import type { KubeConfig } from '@kubernetes/client-node';
import type { Logger } from 'pino';
import type { ClusterServices } from '../cluster-services.ts';
import type { Resource, ResourceKey } from '../resource.ts';
import type { CertificateReader } from '../services/certificate-store.ts';
import type { RequestListener } from '../services/request-observation.ts';
import { AccessReview } from './access-review.ts';
import { KubernetesAttachmentStore } from './attachment-store.ts';
import { KubernetesCatalogueStore } from './catalogue-store.ts';
import { type CertificatePlace, CertificateSecret, SecretReader } from './certificate-secret.ts';
import type { Discovery } from './discovery.ts';
import { KubernetesEventReader } from './event-reader.ts';
import { EventWriter } from './event-writer.ts';
import { Fence } from './fence.ts';
import { LeaderElection, type LeaderElectionTimes } from './leader-election.ts';
import { LeaderLabel } from './leader-label.ts';
import { LeaseLock } from './lease-lock.ts';
import { PluginFollower } from './plugin-follower.ts';
import { PluginIdentities } from './plugin-identities.ts';
import { KubernetesPluginStore } from './plugin-store.ts';
import { PodFollower } from './pod-follower.ts';
import { KubernetesPodLocator } from './pod-locator.ts';
import { KubernetesPodNetwork } from './pod-network.ts';
import { serverAddresses } from './server-addresses.ts';
import { TokenReview } from './token-review.ts';
import type { Transport } from './transport.ts';

/** Place of this process in the cluster. */
export interface Place {
  /** Namespace of the Lease, the `Plugin` resources and the plugins' pods. */
  namespace: string;
  /** Additional namespaces in which plugins that send no heartbeats are declared. */
  pluginNamespaces?: readonly string[] | undefined;
  /** Pod of this process; missing outside of the cluster. */
  pod: string | undefined;
  /** Names of the stored certificates. */
  certificates?: Omit<CertificatePlace, 'namespace'> | undefined;
  /** Missing when there is only one process of this operator. */
  leaderElection: LeaderElectionOptions | undefined;
}

/** Options of leader election. */
export interface LeaderElectionOptions extends LeaderElectionTimes {
  /** Name of the Lease, the same for all processes of an operator. Default `kplug`. */
  leaseName?: string;
}

/** Services of a Kubernetes cluster. */
export class KubernetesServices implements ClusterServices {
  readonly events: EventWriter;
  readonly eventReader: KubernetesEventReader;
  readonly namespace: string;
  readonly plugins: KubernetesPluginStore;
  readonly attachments: KubernetesAttachmentStore;
  readonly catalogue: KubernetesCatalogueStore;
  readonly pods: PodFollower;
  readonly declarations: PluginFollower;
  readonly reservedAddresses: readonly string[];
  readonly access: AccessReview;
  readonly identities: PluginIdentities;
  readonly tokens: TokenReview;
  readonly podNetwork: KubernetesPodNetwork;
  readonly certificates: CertificateSecret;
  readonly leadership: LeaderElection | undefined;
  readonly #transport: Transport;
  readonly #discovery: Discovery;
  readonly #watchDuration: number;
  readonly #logger: Logger;
  readonly #namespace: string;

  constructor(
    { namespace, pluginNamespaces = [], pod, certificates = { name: 'kplug' }, leaderElection }: Place,
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
    this.#discovery = parts.discovery;
    this.#watchDuration = parts.watchDuration;
    this.#logger = logger;
    this.#namespace = namespace;
    const reportingInstance = pod ?? hostname();
    this.events = new EventWriter(transport, find, {
      reportingController: 'kplug.dev/operator',
      reportingInstance,
      logger,
    });
    this.eventReader = new KubernetesEventReader(transport);
    this.namespace = namespace;
    this.plugins = new KubernetesPluginStore(transport, namespace);
    this.attachments = new KubernetesAttachmentStore(transport);
    this.catalogue = new KubernetesCatalogueStore(parts);
    this.pods = new PodFollower({ ...parts, namespace });
    this.declarations = new PluginFollower({ ...parts, namespaces: [...new Set([namespace, ...pluginNamespaces])] });
    this.reservedAddresses = serverAddresses(transport.server, process.env);
    this.access = new AccessReview(parts);
    this.identities = new PluginIdentities(transport, { kubeConfig: parts.kubeConfig, namespace });
    this.tokens = new TokenReview(transport);
    this.podNetwork = new KubernetesPodNetwork(transport);
    this.certificates = new CertificateSecret(transport, { namespace, ...certificates });
    if (!leaderElection) return;
    const { leaseName = 'kplug', ...times } = leaderElection;
    const fence = new Fence();
    transport.guard(fence);
    this.leadership = new LeaderElection({
      lock: new LeaseLock(transport, { namespace, name: leaseName }),
      label: pod === undefined ? undefined : new LeaderLabel(transport, { namespace, pod }),
      identity: `${reportingInstance}_${randomUUID()}`,
      fence,
      logger,
      times,
    });
  }

  certificateSecret(name: string): CertificateReader {
    return new SecretReader(this.#transport, { namespace: this.#namespace, name });
  }

  locatePods(namespaces: readonly string[]): KubernetesPodLocator {
    return new KubernetesPodLocator({
      transport: this.#transport,
      discovery: this.#discovery,
      watchDuration: this.#watchDuration,
      logger: this.#logger,
      namespaces,
    });
  }

  observeRequests(listener: RequestListener): void {
    this.#transport.observe(listener);
  }

  /** Writes waiting Events, stops following, and releases the leadership. */
  async close(): Promise<void> {
    await Promise.all([this.pods.stop(), this.declarations.stop(), this.catalogue.stop(), this.events.close()]);
    await this.leadership?.release();
  }
}
