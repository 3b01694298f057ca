// Operators.
export type { ApiAnswer, ApiCallOptions, OwnApi } from './clients/api-calls.ts';
export type { ConnectionsOptions } from './clients/connections.ts';
export { type GetInfoOptions, getInfo } from './clients/get-info.ts';
export { isAnswerMissing } from './clients/v0/missing-answer.ts';
export { Controller } from './controller.ts';
export type { ControllerOptions } from './controller-options.ts';
export { type DelegationDeclaration, delegationSchema } from './delegation/declaration.ts';
export type { ProbingOptions } from './discovery/plugin-prober.ts';
export { KplugError, type KplugErrorCode } from './errors.ts';
export { type BackOffOptions, backOffDelay } from './queue/back-off.ts';
export type { DownloadState, HostedPlugin, HostedState, PluginDownload } from './registry/hosted.ts';
// Plugins known to a controller.
export type { Instance, InstanceChange, InstanceState, SuspectReason } from './registry/instance.ts';
export type { LeaseOptions } from './registry/lease-policy.ts';
export type { AddressPolicy } from './registry/read-registration.ts';
export type { ImplementedApi, Registration } from './registry/registration.ts';
export type { RegistryView } from './registry/registry-view.ts';
// Resources in a directory, on Kubernetes or in memory.
export type { Manifest } from './resources/check-manifest.ts';
export type { RequestObservation } from './resources/cluster-services.ts';
export { type DirectoryOptions, openDirectory } from './resources/directory/open-directory.ts';
export { type DirectoryProblem, formatProblem } from './resources/directory/problem-list.ts';
export { type DirectoryView, readDirectory } from './resources/directory/read-directory.ts';
export { isKindNamed } from './resources/kind-name.ts';
export type { ServiceAccount } from './resources/kubernetes/access-question.ts';
export type { ClusterInspector, DeclaredPlugin } from './resources/kubernetes/cluster-inspector.ts';
export type { ClusterReader, NamedKind } from './resources/kubernetes/cluster-reader.ts';
export type { FoundEndpoints, ServiceReference } from './resources/kubernetes/declared-service.ts';
export type { ServedKind } from './resources/kubernetes/discovery.ts';
export type { Right } from './resources/kubernetes/missing-rule.ts';
export { type KubernetesOptions, openClusterReader, openKubernetes } from './resources/kubernetes/open-kubernetes.ts';
export { type ManifestFile, type ManifestProblem, type ParsedManifest, parseManifests } from './resources/manifest.ts';
export { MemoryResources } from './resources/memory/memory-resources.ts';
// Resources of other sources.
export type {
  KindProblem,
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
  parseKey,
  type Resource,
  type ResourceKey,
  type ResourceKind,
  type ResourceReference,
} from './resources/resource.ts';
export { parseDuration } from './settings/duration.ts';
// Plugins run from a folder.
export { DownloadFailure } from './supervisor/download/download-failure.ts';
export { type FetchedPlugin, type FetchPluginOptions, fetchPlugin } from './supervisor/download/install.ts';
export { type PluginItem, parsePluginList } from './supervisor/download/item.ts';
export type { PluginListOptions } from './supervisor/download/plugin-downloads.ts';
export type { PluginsFolderOptions } from './supervisor/options.ts';
export type { PluginsFolder } from './supervisor/plugins-folder.ts';
export type { HealthRules, ResourceLimits, RestartRules } from './supervisor/program.ts';
// For tools that try a plugin without an operator.
export { deriveBase, deriveDelegation, type ImplementingPlugin } from './tools/derive-delegation.ts';
export {
  type AssumedPlugin,
  askPlugin,
  assumePlugin,
  type RenderedResource,
  type RenderOptions,
  renderPass,
} from './tools/render.ts';
