import type { ResourceKind } from '../resources/resource.ts';

/** Duration: milliseconds, or a string such as `500ms`, `60s`, `1m30s` or `2h`. */
export type DurationInput = number | string;

/** A delegation: the resources of a kind are reconciled by the plugins of an API. */
export interface DelegationDeclaration {
  /** Name in statuses, metrics and logs, unique within an operator. At most 63 lower-case letters, digits and `-`. */
  name: string;
  /** Kind of the delegated resources. */
  base: ResourceKind;
  /** Namespaces whose resources are delegated, 1 to 64. Default: all that the operator watches. */
  namespaces?: readonly string[] | undefined;
  /** Labels that a resource must have, with these values, to be delegated. Default: none. */
  labels?: Readonly<Record<string, string>> | undefined;
  /** Plugin API, with the range of accepted versions, such as `DatabaseTable@^1.0.0`. Without a range, any version. */
  api: string;
  /** Plugins that may serve the API. */
  plugins?: DelegationPlugins | undefined;
  /** Extension resources that a base references. */
  extensions?: DelegationExtensions | undefined;
  /** Resources that the operator applies for a base at the request of a plugin, in the same namespace. */
  dependents?: DelegationDependents | undefined;
  /** Further resources that plugins require, by name or labels. The operator reads and follows them, and sends them with each call. */
  requirements?: DelegationRequirements | undefined;
  /** Capabilities that resources ask for. Default: none. */
  capability?: DelegationCapability | undefined;
  /** Selection of a plugin for a resource. */
  selection?: DelegationSelection | undefined;
  /** Deadline of one call of a plugin. Default 60s; recommended: 1s to 1h. */
  deadline?: DurationInput | undefined;
  /** Interval after which a resource is reconciled again without a change, unless its plugin requests another. Default 10m; recommended: 1m to 24h. */
  resync?: DurationInput | undefined;
  /** Shortest delay that a plugin may request between two calls for a resource. A shorter one is extended. Default 1s; recommended: 100ms to 1m. */
  minRequeueInterval?: DurationInput | undefined;
  /**
   * Maximum size, in bytes of JSON, of each status that a plugin returns. An answer with a larger one is refused. Default 262,144 (256
   * KiB); 1,024 to 1,048,576.
   */
  maxStatusSize?: number | undefined;
  /** Maximum number of resources reconciled concurrently, 1 to 10,000. Default: the operator's, 32; recommended: 1 to 1,000. */
  concurrency?: number | undefined;
  /** Delay between the retries of a resource that fails. It doubles with each failure. */
  backOff?: DelegationBackOff | undefined;
  /** Circuit breaker: a plugin whose calls time out is suspended until it answers again. */
  breaker?: DelegationBreaker | undefined;
  /** Deletion of resources. */
  finalize?: DelegationFinalize | undefined;
  /**
   * Handling of a resource for which another plugin is selected: `retain` what the former plugin created, or have the former one
   * `finalize` first. Default `retain`.
   */
  handOver?: 'retain' | 'finalize' | undefined;
  /**
   * Calls of plugins of the first Kplug's protocol: `createAlways` calls `create` in each pass, as the first Kplug's operator did;
   * `createThenUpdate` calls `update` once `create` has succeeded. Default `createAlways`.
   */
  v0Calls?: 'createAlways' | 'createThenUpdate' | undefined;
  /**
   * Largest number of concurrent calls to one address of a plugin of the first Kplug's protocol, 1 to 10,000. Its Python SDK needs
   * 1, as its threads share one YAML parser. Default 1; recommended: 1 to 32.
   */
  v0Concurrency?: number | undefined;
}

/** Plugins that may serve the API of a delegation. */
export interface DelegationPlugins {
  /**
   * Sources of the plugins, by the identity that they prove, at most 64. Default: ServiceAccounts of the operator's own namespace, and on
   * no cluster the holders of tokens of the operator. Plugins of the operator's folder are always admitted.
   */
  from?: readonly DelegationPluginSource[] | undefined;
}

/** Source of plugins. It has either a namespace or identities. */
export interface DelegationPluginSource {
  /** Namespace of ServiceAccounts, and of plugins that are declared there. */
  namespace?: string | undefined;
  /** ServiceAccounts of that namespace, 1 to 64. Default: all. */
  serviceAccounts?: readonly string[] | undefined;
  /**
   * Identities without a namespace, as `kplug plugins` shows them, with `*` for any text, 1 to 64: `token:ci`,
   * `certificate:spiffe://example.org/ns/databases/*`.
   */
  identities?: readonly string[] | undefined;
  /** Names that the plugins may have, 1 to 64. Default: any. */
  names?: readonly string[] | undefined;
}

/** Extensions of a delegation's bases. */
export interface DelegationExtensions {
  /** Path of the list of extension references, `{ apiVersion, kind, name }`, in a base. Default `.spec.extensions`. */
  path?: string | undefined;
  /** Kinds that may be referenced, at most 64. Default: any. */
  kinds?: readonly Readonly<ResourceKind>[] | undefined;
}

/** Dependents of a delegation's bases. */
export interface DelegationDependents {
  /** Kinds of dependents that plugins may request, at most 64. Default: none. */
  kinds?: readonly Readonly<DependentKind>[] | undefined;
  /**
   * ServiceAccounts whose rights dependents may get, as pods or by a Secret with a token, at most 64, besides those that the plugin
   * requests as dependents. Default: none, so that pods get no token.
   */
  serviceAccounts?: readonly string[] | undefined;
  /** Secrets that pods may use: those that the plugin requests as dependents before them, or any in the namespace. Default `own`. */
  podSecrets?: 'own' | 'any' | undefined;
  /**
   * Time that a dependent has to become ready, after which the status of its base reports that as a failure. A plugin may set another one
   * for a dependent. Default 10m; recommended: 10s to 1h.
   */
  readyTimeout?: DurationInput | undefined;
  /** Order of finalizing a deleted resource: before its dependents are deleted, or when they are gone. Default `first`. */
  finalize?: 'first' | 'last' | undefined;
}

/** Further resources that plugins require. */
export interface DelegationRequirements {
  /** Kinds of resources that plugins may require, at most 64. Default: none. */
  kinds?: readonly Readonly<RequiredKind>[] | undefined;
}

/** Kind of resources that plugins may require. */
export interface RequiredKind extends ResourceKind {
  /**
   * Namespaces from which plugins may require resources of the kind, besides the base's own, at most 64; `*` for all. Default: none.
   * Cluster-scoped kinds need none.
   */
  namespaces?: readonly string[] | undefined;
}

/** Paths of the capability that a resource asks for. Only plugins that provide it are selected. */
export interface DelegationCapability {
  /** Path of the category, such as `database`, in a resource. Default `.spec.category`. */
  categoryPath?: string | undefined;
  /** Path of the type, such as `postgresql`, in a resource. Default `.spec.type`. */
  typePath?: string | undefined;
  /** Path of the version, a range of versions, or nothing for the newest one, in a resource. Default `.spec.version`. */
  versionPath?: string | undefined;
}

/** Kind of dependents. */
export interface DependentKind extends ResourceKind {
  /** True to allow a kind that grants rights, such as Secret or Role, or privileged pods of a kind that has pods. Default false. */
  allowPrivileged?: boolean | undefined;
}

/** Selection of a plugin for a resource. */
export interface DelegationSelection {
  /** Path of the preferred plugin, `Name` or `Name@range`, in a resource. Default `.spec.preferredImplementation`. */
  preferencePath?: string | undefined;
  /** Choice while the preferred plugin is unavailable: `any` other one, or `none`. Default `any`. */
  fallback?: 'any' | 'none' | undefined;
  /** Choice while the preferred plugin is unavailable: the first available one of these, 1 to 64. Excludes `fallback`. */
  fallbackOrder?: readonly string[] | undefined;
  /** Number of plugins that reconcile a resource: `one`, or `all`, each under its own name in the status. Default `one`. */
  mode?: 'one' | 'all' | undefined;
  /** Capabilities that a plugin must have, with these values. Default: none. */
  capabilities?: Readonly<Record<string, string>> | undefined;
}

/** Delay between the retries of a resource that fails. */
export interface DelegationBackOff {
  /** Delay after the first failure. Default 200ms; recommended: 100ms to 10s. */
  initial?: DurationInput | undefined;
  /** Longest delay. Default 5m; recommended: 10s to 1h. */
  max?: DurationInput | undefined;
}

/** Suspension of a plugin whose calls time out. */
export interface DelegationBreaker {
  /**
   * Number of resources whose calls time out in a row, without any answer of the plugin between, after which the plugin is
   * suspended, 0 to 1,000. 0: never. Default 3; recommended: 2 to 20.
   */
  timeouts?: number | undefined;
  /**
   * Time until a suspended plugin is probed with the call of one resource. It doubles with each probe that times out, up to one
   * minute. Default 10s; recommended: 1s to 5m.
   */
  coolDown?: DurationInput | undefined;
  /**
   * True to select the fallback for the resources of a suspended plugin, as if it were unavailable. Default false: they wait.
   */
  fallback?: boolean | undefined;
}

/** Deletion of a delegation's resources. */
export interface DelegationFinalize {
  /**
   * Reports whether plugins create anything that has to be cleaned up. If not, resources get no finalizer, which saves a write for each,
   * and are deleted immediately without calling a plugin. Default true.
   */
  needed?: boolean | undefined;
  /**
   * Handling of a deleted resource while the plugin that has to clean up is unavailable: `wait` for it, let any `fallback` plugin clean
   * up, or `release` the resource. Default `wait`.
   */
  whenPluginGone?: 'wait' | 'fallback' | 'release' | undefined;
  /** Time between the deletion and the release of a resource, with `release`. Default 5m; recommended: 1m to 24h. */
  releaseAfter?: DurationInput | undefined;
}
