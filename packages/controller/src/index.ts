import './require-node.ts';

export { printable, printableOutput } from '@kplug/protocol/printable';
export type { OidcIssuer } from './authentication/oidc-authenticator.ts';
export type { CatalogueOptions } from './catalogue/catalogue-writer.ts';
// Controller and its options.
export type { ApiAnswer, ApiCallOptions, OwnApi } from './clients/api-calls.ts';
export type { CallObservation } from './clients/call-observer.ts';
export type { ConnectionsOptions } from './clients/connections-options.ts';
export type { MethodInput, MethodOutput, UnaryMethod } from './clients/plugin-api.ts';
export { Controller } from './controller.ts';
export type { ControllerOptions } from './controller-options.ts';
export type {
  DelegationBackOff,
  DelegationBreaker,
  DelegationCapability,
  DelegationDeclaration,
  DelegationDependents,
  DelegationExtensions,
  DelegationFinalize,
  DelegationPluginSource,
  DelegationPlugins,
  DelegationRequirements,
  DelegationSelection,
  DependentKind,
  DurationInput,
  RequiredKind,
} from './delegation/declaration.ts';
export type { ProbingOptions } from './discovery/plugin-prober.ts';
export { KplugError, type KplugErrorCode } from './errors.ts';
export type { HeartbeatConnectionOptions } from './heartbeat/heartbeat-server.ts';
export type { PluginResourceOptions } from './plugin-resources/plugin-resource-writer.ts';
export type { AddressPolicy } from './registry/address-checker.ts';
export type { RegistryQuota } from './registry/holder-quota.ts';
export type {
  DownloadState,
  HostedFolder,
  HostedOutput,
  HostedOutputLine,
  HostedPlugin,
  HostedState,
  PluginDownload,
} from './registry/hosted.ts';
export type { Identity } from './registry/identity.ts';
// Plugins known to a controller.
export type { Instance, InstanceChange, InstanceState, SuspectReason } from './registry/instance.ts';
export type { LeaseOptions } from './registry/lease-policy.ts';
export type {
  DeclarationReference,
  DeclaredTls,
  ExtensionKind,
  ImplementedApi,
  Lease,
  PodReference,
  Protocol,
  ProvidedCapability,
  Registration,
} from './registry/registration.ts';
export type { RegistryView } from './registry/registry-view.ts';
// Port to the resources, for authors of adapters.
export type {
  CatalogueEntry,
  CatalogueStore,
  ClusterServices,
} from './resources/cluster-services.ts';
export type {
  FollowOptions,
  KindProblem,
  OwnedContent,
  OwnedWrite,
  OwnedWriteOptions,
  ProblemListener,
  ResourceChange,
  ResourceListener,
  Resources,
  WriteOptions,
  WriteResult,
} from './resources/port.ts';
export {
  formatKey,
  groupOf,
  type JsonObject,
  type JsonValue,
  keyOf,
  type ObjectMeta,
  type OwnerReference,
  parseKey,
  type Resource,
  type ResourceKey,
  type ResourceKind,
  type ResourceReference,
} from './resources/resource.ts';
export type { AccessReviewer, NeededRight, UserRight } from './resources/services/access-reviewer.ts';
export type { AttachmentStore } from './resources/services/attachment-store.ts';
export type {
  CertificateData,
  CertificateReader,
  CertificateStore,
  StoredCertificates,
} from './resources/services/certificate-store.ts';
export type { EventReader } from './resources/services/event-reader.ts';
export type { EventSink, ResourceEvent } from './resources/services/event-sink.ts';
export type { IdentityIssuer, IssuedToken } from './resources/services/identity-issuer.ts';
export type { Leadership } from './resources/services/leadership.ts';
export type {
  DeclarationListener,
  DeclarationProblem,
  DeclaredEndpoint,
  ExpectedPlugin,
  PluginDeclaration,
  PluginDeclarations,
  RecordReference,
} from './resources/services/plugin-declarations.ts';
export type { PluginRecord, PluginStore } from './resources/services/plugin-store.ts';
export type { PodLocator } from './resources/services/pod-locator.ts';
export type { PodNetwork } from './resources/services/pod-network.ts';
export type { Pod, PodSource } from './resources/services/pod-source.ts';
export type { RequestListener, RequestObservation } from './resources/services/request-observation.ts';
export type { ClusterUser, ReviewedToken, TokenReviewer } from './resources/services/token-reviewer.ts';
export type { SecurityOptions } from './security-options.ts';
export type { PluginSource } from './selection/admission.ts';
// Plugins run from a folder.
export type { PluginListOptions } from './supervisor/download/plugin-downloads.ts';
export type { DownloadOptions } from './supervisor/download/source.ts';
export type { UnpackLimits } from './supervisor/download/unpack.ts';
export type { PluginsFolderOptions } from './supervisor/options.ts';
export type { HealthRules, ResourceLimits, RestartRules, RunSettings } from './supervisor/program.ts';
export type { GivenProgram, ProgramHost, ProgramSource } from './supervisor/program-source.ts';
export { safeJsonLogLine, safeLogLine } from './telemetry/log-line.ts';
export { traceFields } from './telemetry/trace-fields.ts';
