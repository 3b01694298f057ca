import type { JsonObject, Resource, ResourceKey, ResourceKind } from '../resources/resource.ts';

/** Call of a plugin for one base resource, independent of the protocol. */
export interface PluginCall {
  base: Resource;
  /** Existing extensions, by key. */
  extensions: ReadonlyMap<ResourceKey, Resource>;
  /** Dependents of the base in their current state, by key. */
  dependents: ReadonlyMap<ResourceKey, Resource>;
  /** Resources that the plugin required, by the name of the requirement. Empty for a requirement for which none was found. */
  required: RequiredResources;
  assignment: Assignment;
  /** Operation that the plugin has in progress for the base. */
  operation?: CalledOperation | undefined;
  /** Number of this attempt: the consecutive unsuccessful ones, plus one. */
  attempt: number;
  /** Largest size of each status in the answer, in bytes. */
  maxStatusSize: number;
  /** Settings for plugins of the first Kplug's protocol. */
  v0: V0CallSettings;
  /** Context of the trace that the call belongs to. */
  trace?: CallTrace | undefined;
}

/** Context of a trace, as the headers of W3C Trace Context have it. */
export interface CallTrace {
  traceparent: string;
  /** Empty if there is none. */
  tracestate: string;
}

/** Resources that a plugin required, by the name of the requirement, each in the order of the keys. */
export type RequiredResources = ReadonlyMap<string, readonly Resource[]>;

/** Settings of calls in the first Kplug's protocol. */
export interface V0CallSettings {
  /** `createAlways`: `create` for each call. `createThenUpdate`: `update` once `create` has succeeded. */
  calls: 'createAlways' | 'createThenUpdate';
  /** Largest number of concurrent calls to one instance. */
  concurrency: number;
}

/** API that a plugin is called for, and the reason why it was chosen. */
export interface Assignment {
  delegation: string;
  api: string;
  apiVersion: string;
  reason: string;
  message: string;
  /** Capability that the base asks for, in the version that was chosen. */
  capability?: AssignedCapability;
}

/** Capability of a call. */
export interface AssignedCapability {
  category: string;
  type: string;
  version: string;
  /** Version of the last successful call for the base, or empty. */
  previousVersion: string;
}

/** Reason for finalizing. */
export type FinalizeCause = 'deleted' | 'handedOver';

/** Outcome of a call. */
export type Outcome = 'success' | 'retry' | 'terminal';

/** Status that a plugin returned. */
export interface StatusChange {
  fields: JsonObject;
  /** `replace`: replaces the plugin's former status. `merge`: is merged into it like a JSON merge patch. */
  way: 'replace' | 'merge';
}

/** Checked answer of a plugin. Times in milliseconds. */
export interface PluginAnswer {
  outcome: Outcome;
  retryAfter: number | undefined;
  requeueAfter: number | undefined;
  /** Time for which a successful answer holds, so that equal input needs no call. `undefined`: it doesn't hold. */
  validFor?: number | undefined;
  /** With `retry`: the call didn't fail, and what it began is in progress. */
  progress?: PluginProgress | undefined;
  messages: readonly PluginMessage[];
  /** `undefined`: unchanged. */
  baseStatus: StatusChange | undefined;
  extensionStatuses: ReadonlyMap<ResourceKey, StatusChange>;
  /** Desired dependents of the base, not yet checked. `undefined`: unchanged. */
  dependents?: RequestedDependents;
  /** `undefined`: unchanged. */
  conditions: readonly PluginCondition[] | undefined;
  events: readonly PluginEvent[];
  /** Resources that the plugin requires, by the name of the requirement, not yet checked against the delegation. Default: none. */
  requirements?: ReadonlyMap<string, ResourceRequirement>;
}

/** Selects resources that a plugin requires: one by its name, or those with some labels. */
export interface ResourceRequirement extends ResourceKind {
  /** Empty: the namespace of the base, or none for cluster-scoped kinds. */
  namespace: string;
  /** Empty if labels select the resources. */
  name: string;
  labels: Readonly<Record<string, string>>;
}

/** Dependents that a plugin requests. */
export interface RequestedDependents {
  items: readonly JsonObject[];
  /** By `Kind/name` or `Kind.group/name` of an item. */
  rules: ReadonlyMap<string, DependentRules>;
}

/** Rules of a dependent. */
export interface DependentRules {
  /** Names of the dependents that must be ready before. */
  dependsOn: readonly string[];
  /** CEL expression. Empty: the conventions of Kubernetes. */
  readyWhen: string;
  /** CEL expression. Empty: wanted. */
  includeWhen: string;
  /** Milliseconds. `undefined`: that of the delegation. */
  readyTimeout: number | undefined;
  policy: 'Apply' | 'CreateOnly' | 'Recreate' | 'Observe';
  /** True to release the dependent instead of deleting it. */
  retain: boolean;
}

/** Progress of an operation that takes longer than a call. */
export interface PluginProgress {
  /** 0 to 100. `undefined`: not known. */
  percentage: number | undefined;
  message: string;
  /** Identifies the operation to its plugin. Empty: it needs none. */
  token: string;
}

/** Operation that a plugin has in progress, as a call says it. */
export interface CalledOperation extends PluginProgress {
  /** Generation of the base when it began. */
  generation: number;
  /** Time when it began, in RFC 3339. */
  since: string;
  /** True if it is no longer wanted. */
  isCancelled: boolean;
}

/** Success that changes nothing. */
export const plainSuccess: PluginAnswer = {
  outcome: 'success',
  retryAfter: undefined,
  requeueAfter: undefined,
  messages: [],
  baseStatus: undefined,
  extensionStatuses: new Map(),
  conditions: undefined,
  events: [],
};

export interface PluginMessage {
  severity: 'info' | 'warning' | 'error';
  reason: string;
  text: string;
  /** `undefined` for the base. */
  target: ResourceKey | undefined;
}

export interface PluginCondition {
  type: string;
  status: 'True' | 'False' | 'Unknown';
  reason: string;
  message: string;
}

export interface PluginEvent {
  type: 'Normal' | 'Warning';
  reason: string;
  message: string;
  /** `undefined` for the base. */
  target: ResourceKey | undefined;
}
