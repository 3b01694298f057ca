// resources/services/: one interface per service that an adapter may offer. This file lists them.
import type { AccessReviewer } from './services/access-reviewer.ts';
import type { AttachmentStore } from './services/attachment-store.ts';
import type { CatalogueStore } from './services/catalogue-store.ts';
import type { CertificateReader, CertificateStore } from './services/certificate-store.ts';
import type { EventReader } from './services/event-reader.ts';
import type { EventSink } from './services/event-sink.ts';
import type { IdentityIssuer } from './services/identity-issuer.ts';
import type { Leadership } from './services/leadership.ts';
import type { PluginDeclarations } from './services/plugin-declarations.ts';
import type { PluginStore } from './services/plugin-store.ts';
import type { PodLocator } from './services/pod-locator.ts';
import type { PodNetwork } from './services/pod-network.ts';
import type { PodSource } from './services/pod-source.ts';
import type { RequestListener } from './services/request-observation.ts';
import type { TokenReviewer } from './services/token-reviewer.ts';

export type { AccessReviewer, NeededRight, UserRight } from './services/access-reviewer.ts';
export type { AttachmentStore } from './services/attachment-store.ts';
export type { CatalogueEntry, CatalogueStore } from './services/catalogue-store.ts';
export type { EventReader } from './services/event-reader.ts';
export type { EventSink, ResourceEvent } from './services/event-sink.ts';
export type { IdentityIssuer } from './services/identity-issuer.ts';
export type { Leadership } from './services/leadership.ts';
export type { PluginRecord, PluginStore } from './services/plugin-store.ts';
export type { PodLocator } from './services/pod-locator.ts';
export type { Pod, PodSource } from './services/pod-source.ts';
export type { RequestListener, RequestObservation } from './services/request-observation.ts';
export type { ReviewedToken, TokenReviewer } from './services/token-reviewer.ts';

/**
 * Services that an adapter may offer besides the resources, by name. All are optional: the controller works without those that are
 * missing. Kubernetes offers all of them, a directory those of certificates, and memory none.
 */
export interface ClusterServices {
  /** Namespace of the operator. */
  readonly namespace?: string | undefined;
  /** Events about resources. */
  readonly events?: EventSink | undefined;
  /** Events of others about resources. */
  readonly eventReader?: EventReader | undefined;
  /** Records of known plugins, for users to see and for the next start. */
  readonly plugins?: PluginStore | undefined;
  /** Catalogue of the capabilities that can be asked for. */
  readonly catalogue?: CatalogueStore | undefined;
  /** Removal of attachments whose leases have expired. */
  readonly attachments?: AttachmentStore | undefined;
  /** Leader election among several controllers. */
  readonly leadership?: Leadership | undefined;
  /** Pods that plugins may run in. */
  readonly pods?: PodSource | undefined;
  /** Plugins that send no heartbeats, as users declare them. */
  readonly declarations?: PluginDeclarations | undefined;
  /** Addresses of pods. */
  readonly podNetwork?: PodNetwork | undefined;
  /** Addresses that can't be a plugin's, as `host:port`: those of the API server. */
  readonly reservedAddresses?: readonly string[] | undefined;
  /** Tokens of ServiceAccounts, for plugins that the controller runs. */
  readonly identities?: IdentityIssuer | undefined;
  /** Review of the operator's own rights. */
  readonly access?: AccessReviewer | undefined;
  /** Review of the tokens that plugins send. */
  readonly tokens?: TokenReviewer | undefined;
  /** Store of the operator's own certificates. */
  readonly certificates?: CertificateStore | undefined;
  /** Returns a reader of a certificate that another program renews, in a Secret of the operator's namespace. */
  certificateSecret?(name: string): CertificateReader;
  /** Creates a locator of the pods of some namespaces, which is started and stopped by the caller. */
  locatePods?(namespaces: readonly string[]): PodLocator;
  /** Adds a listener for the requests to the API server. */
  observeRequests?(listener: RequestListener): void;
}
