import type { StandardSchemaV1 } from '@standard-schema/spec';
import type { Logger } from 'pino';
import type { ServedService } from './served-service.ts';

/** Fields of a resource that its author declares. The others are those of every resource. */
export interface ResourceShape {
  spec?: unknown;
  status?: unknown;
}

/** Metadata that every resource has. */
export interface Metadata {
  name: string;
  /** Namespace; missing for cluster-scoped kinds. */
  namespace?: string;
  uid: string;
  generation: number;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  deletionTimestamp?: string;
}

/** Resource as a plugin receives it: the fields that its author declared, and those of every resource. */
export type Received<Shape extends ResourceShape> = Shape & { apiVersion: string; kind: string; metadata: Metadata };

/** Declared fields of the extension resources, by kind. */
export type ExtensionShapes = Record<string, ResourceShape>;

/** Extension resources of one call. */
export interface Extensions<E extends ExtensionShapes> {
  /** Returns the first extension of a kind, ordered by name; `undefined` if the base references none that exists. */
  get<K extends keyof E & string>(kind: K): Received<E[K]> | undefined;
  /** Returns all extensions of a kind, ordered by name. */
  all<K extends keyof E & string>(kind: K): Received<E[K]>[];
}

/** Dependents of the base: resources that the operator applies for it. */
export interface Dependents {
  /**
   * Returns a dependent by kind and name; `undefined` if it does not exist, such as before the plugin first returned it. The type parameter
   * declares its fields, as in `get<{ status?: { readyReplicas?: number } }>('Deployment', name)`; they are not validated.
   */
  get<Shape extends ResourceShape = ResourceShape>(kind: string, name: string): Received<Shape> | undefined;
  /** Returns all dependents. */
  all(): Received<ResourceShape>[];
}

/** Resource that the operator is to apply for the base, with the fields that the plugin sets. */
export interface Dependent {
  apiVersion: string;
  kind: string;
  metadata: { name: string; labels?: Record<string, string>; annotations?: Record<string, string> };
  /** Any other field but `status`. */
  [field: string]: unknown;
}

/** Dependent with rules that say when and how the operator applies it. */
export interface RuledDependent {
  manifest: Dependent;
  /**
   * Dependents that must be ready before this one is applied, as `Kind/name`, or `Kind.group/name` where that is ambiguous. If no dependent
   * of the answer has any, each one depends on the one before it.
   */
  dependsOn?: string[];
  /**
   * CEL expression that is true if the dependent is ready, over `self`, the dependent, and `base`. At most 1,024 characters. Default: the
   * conventions of Kubernetes for its kind.
   */
  readyWhen?: string;
  /**
   * Time that the dependent has to become ready, in milliseconds. After it, the status of the base reports a failure; the dependent is
   * observed nevertheless. Default: `dependents.readyTimeout` of the delegation, 10 minutes.
   */
  readyTimeout?: number;
  /**
   * CEL expression that is true if the dependent is wanted, over `self`, which is null if it does not exist, and `base`. While it is false,
   * the dependent and those that depend on it are deleted, in reverse order. Default: wanted.
   */
  includeWhen?: string;
  /**
   * Handling of a dependent that exists: `Apply` changes it to the manifest, `CreateOnly` leaves it as it is, such as a Secret with a
   * generated password, and `Recreate` deletes it and creates it again if a field that changes is immutable. `Observe` is for a resource of
   * another client: it is sent with each call and has to become ready, and is never written. Its manifest has only `apiVersion`, `kind` and
   * the name, and the delegation permits its kind in `requirements.kinds`. Default `Apply`.
   */
  policy?: 'Apply' | 'CreateOnly' | 'Recreate' | 'Observe';
  /**
   * True to release the dependent instead of deleting it, when it is no longer wanted or the base is deleted. A base of the same kind,
   * namespace and name owns it again. Default false.
   */
  retain?: boolean;
}

/** Required resource: the fields that the type parameter declares, which are not validated, and those of every resource. */
export type RequiredResource<Shape extends object> = Shape & { apiVersion: string; kind: string; metadata: Metadata };

/** Further resources that the plugin required by `require`. */
export interface Required {
  /** Reports whether the call brings a requirement. If not, the plugin has yet to state it; if so and nothing was found, it is missing. */
  has(name: string): boolean;
  /**
   * Returns the first resource of a requirement, in the order of namespaces and names; `undefined` if none was found. The type parameter
   * declares its fields, as in `get<{ data: Record<string, string> }>('settings')`.
   */
  get<Shape extends object = ResourceShape>(name: string): RequiredResource<Shape> | undefined;
  /** Returns the resources of a requirement; empty if none was found. */
  all<Shape extends object = ResourceShape>(name: string): RequiredResource<Shape>[];
}

/** Selects further resources that a plugin needs: one by its name, or those with some labels. */
export type Requirement = {
  /** API group and version, such as `v1` or `myorg.org/v1alpha1`. */
  apiVersion: string;
  kind: string;
  /** Namespace of the resources. Default: that of the base. Left out for cluster-scoped kinds. */
  namespace?: string;
} & (
  | {
      name: string;
      labels?: never;
    }
  | {
      /** Labels that the resources have, with these values. At least one. */
      labels: Record<string, string>;
      name?: never;
    }
);

/** Input of `reconcile`. */
export interface ReconcileInput<B extends ResourceShape = ResourceShape, E extends ExtensionShapes = ExtensionShapes> {
  /** Base resource. */
  base: Received<B>;
  /** Extension resources that the base references and that exist. */
  extensions: Extensions<E>;
  /** Dependents in their current state. */
  dependents: Dependents;
  /** Further resources that the plugin required by `require`. */
  required: Required;
  /** Delegation and plugin API of the call, and the reason why this plugin was chosen. */
  assignment: { delegation: string; api: string; apiVersion: string; reason: string; message: string };
  /** Capability that the base asks for; `undefined` if its delegation has none. */
  capability: AssignedCapability | undefined;
  /** Operation that this plugin reported as in progress for the base, also from another instance; `undefined` if there is none. */
  operation: Operation | undefined;
  /** Number of the attempt: 1, plus the failed attempts in a row before it. */
  attempt: number;
  /** Signal that is aborted when the controller no longer waits: the deadline passed, or the resource went to another plugin. */
  signal: AbortSignal;
  /** Logger with the names of the plugin and the resource. */
  log: Logger;
}

/** Input of `finalize`. */
export interface FinalizeInput<B extends ResourceShape = ResourceShape, E extends ExtensionShapes = ExtensionShapes>
  extends ReconcileInput<B, E> {
  /** Cause of the call: the base resource is being deleted, or it went to another plugin. */
  cause: 'deleted' | 'handedOver';
}

/** Progress of an operation that takes longer than a call. */
export interface Progress {
  /** Part that is done, in percent: an integer from 0 to 100. Default: not known. */
  percentage?: number;
  /** Description for people, such as `copied 3 of 8 tables`. After 1,024 characters it is cut. Default none. */
  message?: string;
  /**
   * Opaque token that identifies the operation, such as the id of a backup. Every later call brings it. At most 1 KiB. Not a secret, as it is
   * in the status of the base; check that it belongs to the base. Default none.
   */
  token?: string;
  /** Delay until the next call, in milliseconds, at least the `minRequeueInterval` of the delegation. Default 10,000. */
  after?: number;
}

/** Operation in progress, as the plugin reported it last. */
export interface Operation {
  /** `undefined` if it isn't known. */
  percentage: number | undefined;
  message: string;
  /** Empty if the operation has none. */
  token: string;
  /** Generation of the base when the operation began. */
  generation: number;
  startedAt: Date;
  /**
   * True if what the operation does is no longer wanted: the spec changed since it began, or the base is being finalized and the operation
   * began before. Stop it, or adapt it to the new state.
   */
  isCancelled: boolean;
}

/** Message to the user of the resource. */
export interface Message {
  /** Severity. Default `info`. */
  severity?: 'info' | 'warning' | 'error';
  /** Reason in one PascalCase word. */
  reason: string;
  text: string;
  /** Extension that the message is about. Default: the base. */
  extension?: Received<ResourceShape>;
}

/** Kubernetes Event for the controller to record. Equal Events are counted. */
export interface PluginEvent {
  /** Type of the Event. Default `Normal`. */
  type?: 'Normal' | 'Warning';
  /** Reason in one PascalCase word. */
  reason: string;
  message: string;
  /** Extension that the Event is about. Default: the base. */
  extension?: Received<ResourceShape>;
}

/** Condition in the status of the base resource. */
export interface PluginCondition {
  type: string;
  status: boolean | 'Unknown';
  /** Reason in one PascalCase word. */
  reason: string;
  message?: string;
}

/** Result of `finalize`. All fields are optional; returning nothing is success. */
export interface FinalizeResult {
  messages?: Message[];
  events?: PluginEvent[];
  /**
   * Says that the work isn't done yet, but in progress. The resource isn't ready until a later call returns without it. The next call brings
   * the progress as `operation`. Default: the work is done.
   */
  progress?: Progress;
  /**
   * Further resources that the plugin needs, by names of its choice: all of them, also those that the call brought. If they differ from those
   * of the call, the operator discards the rest of the result and calls again with the resources, up to five times in a row. It calls again,
   * too, when one of the resources appears, changes or is gone. The delegation lists the permitted kinds. An error that is thrown leaves the
   * requirements as they are. With `finalize`, requirements mean that the work isn't done until the call brings the resources. Default: none.
   */
  require?: Record<string, Requirement>;
}

/** Result of `reconcile`. All fields are optional; returning nothing is success. */
export interface ReconcileResult extends FinalizeResult {
  /** Status of the base. Replaces the one that the plugin returned before. Default: no change. */
  status?: object;
  /** Statuses of extensions. Each replaces the one that the plugin returned before. Default: no change. */
  extensions?: { extension: Received<ResourceShape>; status: object }[];
  conditions?: PluginCondition[];
  /**
   * Resources that the operator applies for the base, in its namespace and owned by it: each when the one before it is ready, or as their
   * rules say. Dependents that are no longer listed are deleted. The delegation lists the allowed kinds. Default: no change.
   */
  dependents?: (Dependent | RuledDependent)[];
  /** Delay until the next call if nothing changes before, in milliseconds. Default: the `resync` of the delegation. */
  requeueAfter?: number;
  /**
   * Time for which the answer holds, in milliseconds, at most a day. Until then the operator makes no call with equal input: the same base and
   * extensions, apart from their statuses, the same dependents in the same state, and the same version of the plugin. A call that
   * `requeueAfter` requests is made nevertheless. Default: the answer doesn't hold, so that every pass makes a call.
   */
  validFor?: number;
}

/** Plugin API in full, for more than `Name@1.0.0` says. */
export interface ApiDefinition {
  name: string;
  /** Version of the API, in semantic versioning. */
  version: string;
  /** Extension kinds that the plugin understands, as `Kind` or `Kind.group`. Default: the keys of `extensions`. */
  extensionKinds?: string[];
  /** Free-form capabilities, which a delegation may require. Default none. */
  capabilities?: Record<string, string>;
  /** Capabilities that resources may ask for, each category and type once. Default none. */
  provides?: ProvidedCapability[];
}

/** Capability that resources may ask for, in the versions that the plugin provides. */
export interface ProvidedCapability {
  /** Category, such as `database`. */
  category: string;
  /** Type, such as `postgresql`. */
  type: string;
  /** Versions, such as `16` and `17`. At least one. */
  versions: string[];
}

/** Capability that a base asks for, as the plugin registered it. */
export interface AssignedCapability {
  category: string;
  type: string;
  /** Version to provide. It stays until the base asks for another one, even if the plugin provides a newer one. */
  version: string;
  /** Version of the last successful call for the base; empty before that. It differs from `version` during an upgrade. */
  previousVersion: string;
}

/** Implementation of one API of a plugin of several, or of some that it treats alike. */
export type ApiImplementation<
  B extends ResourceShape = ResourceShape,
  E extends ExtensionShapes = ExtensionShapes,
> = Pick<PluginDefinition<B, E>, 'api' | 'base' | 'extensions' | 'reconcile' | 'finalize'> & {
  /** Service of an API with methods of its own. Set by `serveApi`. */
  serves?: ServedService;
};

/** Definition of a plugin of several APIs, each with functions of its own. */
export interface MultiApiDefinition extends Pick<PluginDefinition, 'name' | 'version' | 'close'> {
  /** Implementations, made by `implementApi` and `serveApi`. */
  apis: readonly ApiImplementation[];
}

/** Definition of a plugin: its identity, and the functions that do its work. */
export interface PluginDefinition<
  B extends ResourceShape = ResourceShape,
  E extends ExtensionShapes = ExtensionShapes,
> {
  /** Name that users write in `preferredImplementation`: letters, digits, `.`, `_` and `-`, at most 63 characters. */
  name: string;
  /** Version of the plugin, in semantic versioning. */
  version: string;
  /** Plugin API that it implements, as `Name@1.0.0` or as an `ApiDefinition`; a list for several that it treats alike. */
  api: string | ApiDefinition | (string | ApiDefinition)[];
  /**
   * Schema (zod, valibot, arktype …) of the base resource. An invalid resource is not passed to `reconcile`; its status describes the error.
   */
  base?: StandardSchemaV1<unknown, B>;
  /** Schemas of the extension resources, by kind. */
  extensions?: { [K in keyof E]: StandardSchemaV1<unknown, E[K]> };
  /**
   * Brings the actual state to the state that the base resource and its extensions describe. It is called with the whole state, any number
   * of times, and must be idempotent. Throw `retry(…)` or `terminal(…)` to choose whether it is retried; any other error is retried with
   * exponential back-off.
   */
  reconcile(input: ReconcileInput<B, E>): ReconcileResult | void | Promise<ReconcileResult | void>;
  /**
   * Deletes what `reconcile` made. It may be called again after it succeeded. A resource that was valid once and edited since is passed
   * without validation. Default: nothing is deleted.
   */
  finalize?(input: FinalizeInput<B, E>): FinalizeResult | void | Promise<FinalizeResult | void>;
  /** Closes resources such as connections. Called once when the plugin stops, after the last call has ended. */
  close?(): void | Promise<void>;
}
