// For those who write an operator.
export { Controller, type ControllerOptions } from './controller.ts';
export { type DelegationDeclaration, delegationSchema } from './delegation/declaration.ts';
export { parseDuration } from './delegation/duration.ts';
export { KplugError, type KplugErrorCode } from './errors.ts';
export type { ConnectionsOptions } from './plugins/connections.ts';
// For those who look at what plugins there are.
export type { Instance, InstanceState, Suspicion } from './registry/instance.ts';
export type { LeaseOptions } from './registry/lease-terms.ts';
export type { ImplementedApi, Registration } from './registry/registration.ts';
export type { Registry, RegistryChange } from './registry/registry.ts';
// For tools that try a plugin without an operator.
export { askPlugin, type RenderedResource, type RenderOptions, renderPass } from './render.ts';
// Where resources live.
export type { Manifest } from './resources/check-manifest.ts';
export { type DirectoryOptions, openDirectory } from './resources/directory/open-directory.ts';
export { type DirectoryProblem, formatProblem } from './resources/directory/problem-list.ts';
export { type DirectoryView, readDirectory } from './resources/directory/read-directory.ts';
export type { ClusterReader, NamedKind } from './resources/kubernetes/cluster-reader.ts';
export { type KubernetesOptions, openClusterReader, openKubernetes } from './resources/kubernetes/open-kubernetes.ts';
export { type ManifestFile, type ManifestProblem, type ParsedManifest, parseManifests } from './resources/manifest.ts';
export { MemoryResources } from './resources/memory/memory-resources.ts';
// For those who bring resources from elsewhere.
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
export type { RequestObservation } from './resources/surroundings.ts';
export type { AddressPolicy } from './serve/registration-message.ts';
