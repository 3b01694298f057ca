// Export path `@kplug/controller/tools`: functions for tools such as the `kplug` command, not for operators.
import './require-node.ts';

export type { PreviousToken, TokenEntry } from './authentication/token-file.ts';
// Tokens of plugins.
export {
  createToken,
  listTokens,
  type NewToken,
  type RotatedToken,
  type RotationOptions,
  revokeToken,
  rotateToken,
} from './authentication/token-file-editor.ts';
// Certificates, for suites that act as a controller.
export {
  type Issuer,
  issueAuthority,
  issueLeaf,
  type LeafUse,
  type ServerNames,
} from './certificates/issue-certificate.ts';
// Plugins without an operator.
export type {
  CallTarget,
  PluginChannel,
  PluginSecurity,
} from './certificates/plugin-channels.ts';
export type { KeyPair, Validity } from './certificates/read-certificate.ts';
export { describeFailure } from './clients/describe-failure.ts';
export { type GetInfoOptions, getInfo, getInfoOver } from './clients/get-info.ts';
export { isAnswerMissing } from './clients/v0/missing-answer.ts';
// Delegations.
export { isPaused, pausedAnnotation, reconcileAtAnnotation } from './delegation/control-annotations.ts';
export { findRulesFault } from './delegation/dependents/read-rules.ts';
export { grantingDomains, plainKinds } from './delegation/rights-granting-kinds.ts';
// Expressions.
export { Expression, type ExpressionInput, type ExpressionResult } from './expressions/expression.ts';
// Files.
export { DirectoryWatch, type TouchListener, type WatchScope } from './files/directory-watch.ts';
export { collectUpTo, readUpTo } from './files/read-up-to.ts';
export { readYamlFile, type TextPosition, type YamlFile } from './files/read-yaml-file.ts';
export { type BackOffOptions, backOffDelay } from './queue/back-off.ts';
// Manifests.
export {
  type CheckedManifest,
  checkManifest,
  findManifestFaults,
  type Manifest,
  type ManifestCheck,
  type ManifestMetadata,
} from './resources/check-manifest.ts';
export { copyJson, formatPath, isJsonObject, type JsonFault, jsonEquals } from './resources/json.ts';
export { isKindNamed } from './resources/kind-name.ts';
// Clusters.
export type { ServiceAccount } from './resources/kubernetes/access-question.ts';
export type { ClusterInspector, DeclaredPlugin } from './resources/kubernetes/cluster-inspector.ts';
export type { ClusterReader, LoggedPod, NamedKind, PodLogOptions } from './resources/kubernetes/cluster-reader.ts';
export type { TlsOptions } from './resources/kubernetes/credentials.ts';
export type { FoundEndpoints, ServiceReference } from './resources/kubernetes/declared-service.ts';
export type { ServedKind } from './resources/kubernetes/discovery.ts';
export type { ResourceDifference } from './resources/kubernetes/dry-run-resources.ts';
export type { KubeConfigChoice } from './resources/kubernetes/load-kube-config.ts';
export type { Right } from './resources/kubernetes/missing-rule.ts';
export { openClusterReader } from './resources/kubernetes/open-cluster-reader.ts';
export type { PodPort, PortForwardAgent } from './resources/kubernetes/port-forward-agent.ts';
export type { PrintedColumn, PrintedTable } from './resources/kubernetes/print-table.ts';
export type { ApiServerAddress } from './resources/kubernetes/transport.ts';
export { findAnnotationFault, findLabelFault, type LabelFault } from './resources/labels.ts';
export {
  type ManifestFile,
  type ManifestProblem,
  maxManifestSize,
  type ObservedState,
  type ParsedManifest,
  parseManifests,
  tooLarge,
  type VisitedObject,
  visitManifests,
} from './resources/manifest.ts';
export { describeKey, describeReference, type ResourceReference } from './resources/resource.ts';
export { type FormatYamlOptions, formatYaml } from './resources/yaml/format-yaml.ts';
export { runInReverse } from './run-in-reverse.ts';
export { parseDuration } from './settings/duration.ts';
// Commands and output of plugins.
export { type Interpreters, nodeCommand } from './supervisor/commands.ts';
// Downloads.
export { DownloadFailure } from './supervisor/download/download-failure.ts';
export { type FetchedPlugin, type FetchPluginOptions, fetchPlugin } from './supervisor/download/install.ts';
export { type PluginItem, parsePluginList } from './supervisor/download/item.ts';
export { type LogLevel, type LogLine, readLogLine } from './supervisor/log-line.ts';
export { OutputLines } from './supervisor/output-lines.ts';
export { type PluginFile, readPluginFile } from './supervisor/plugin-file.ts';
export { signalGroup } from './supervisor/process-group.ts';
export { defaultRunSettings } from './supervisor/program.ts';
export type { RecordedEvent } from './telemetry/events.ts';
export { type DelegationFault, findDelegationFaults } from './tools/delegation-faults.ts';
export { delegationJsonSchema } from './tools/delegation-json-schema.ts';
export { type BaseFault, DelegationView, type FieldPaths, type PlacedReference } from './tools/delegation-view.ts';
export { deriveBase, deriveDelegation, type ImplementingPlugin } from './tools/derive-delegation.ts';
export { type DiffOptions, diffPass } from './tools/diff-pass.ts';
export type { Observed } from './tools/observed.ts';
export {
  type AssumedPlugin,
  askPlugin,
  assumePlugin,
  type RenderedResource,
  type RenderOptions,
  renderPass,
} from './tools/render.ts';
