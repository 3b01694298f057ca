import type { StandardSchemaV1 } from '@standard-schema/spec';
import type { Logger } from 'pino';
import type { ServedService } from './served-service.ts';

/** What a plugin author says of a resource's own part. Metadata comes with every resource. */
export interface ResourceShape {
  spec?: unknown;
  status?: unknown;
}

/** The metadata that a plugin can rely on. */
export interface Metadata {
  name: string;
  /** Missing for cluster-scoped kinds. */
  namespace?: string;
  uid: string;
  generation: number;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  deletionTimestamp?: string;
}

/** A resource as a plugin gets it: what its author declared, and what every resource has. */
export type Received<Shape extends ResourceShape> = Shape & { apiVersion: string; kind: string; metadata: Metadata };

/** Extension resources by kind, as their author declared them. */
export type ExtensionShapes = Record<string, ResourceShape>;

/** The extension resources of one call. */
export interface Extensions<E extends ExtensionShapes> {
  /** The first extension of a kind, in the order of their names; `undefined` when the base points to none that exists. */
  get<K extends keyof E & string>(kind: K): Received<E[K]> | undefined;
  /** All extensions of a kind. */
  all<K extends keyof E & string>(kind: K): Received<E[K]>[];
}

/** The resources that the operator keeps for the base. */
export interface Dependents {
  /** One by its kind and name; `undefined` when it isn't there, such as before it was wanted for the first time. */
  get(kind: string, name: string): Received<ResourceShape> | undefined;
  /** All of them. */
  all(): Received<ResourceShape>[];
}

/** A resource that the operator is to keep for the base, as far as the plugin decides on it. */
export interface Dependent {
  apiVersion: string;
  kind: string;
  metadata: { name: string; labels?: Record<string, string>; annotations?: Record<string, string> };
  /** Anything but a status. */
  [field: string]: unknown;
}

/** What `reconcile` gets. */
export interface ReconcileInput<B extends ResourceShape = ResourceShape, E extends ExtensionShapes = ExtensionShapes> {
  /** The base resource. */
  base: Received<B>;
  /** The extension resources that the base points to and that exist. */
  extensions: Extensions<E>;
  /** What the operator keeps for the base because the plugin wanted it, as it is now. */
  dependents: Dependents;
  /** As whom the plugin is called, and why it was chosen. */
  assignment: { delegation: string; api: string; apiVersion: string; reason: string; message: string };
  /** How many times in a row this resource was tried without success, plus one. */
  attempt: number;
  /** Aborted when the controller no longer waits: its deadline passed, or the resource went to another plugin. */
  signal: AbortSignal;
  /** Logs under the plugin's name and the resource's. */
  log: Logger;
}

/** What `finalize` gets. */
export interface FinalizeInput<B extends ResourceShape = ResourceShape, E extends ExtensionShapes = ExtensionShapes>
  extends ReconcileInput<B, E> {
  /** Why: the base resource is being deleted, or it went to another plugin. */
  cause: 'deleted' | 'handedOver';
}

/** A remark for the user of the resource. */
export interface Remark {
  /** Default: `info`. */
  severity?: 'info' | 'warning' | 'error';
  /** Why, in one PascalCase word. */
  reason: string;
  text: string;
  /** The extension that it concerns; the base if missing. */
  extension?: Received<ResourceShape>;
}

/** An Event for the controller to record. */
export interface PluginEvent {
  /** Default: `Normal`. */
  type?: 'Normal' | 'Warning';
  /** Why, in one PascalCase word. */
  reason: string;
  message: string;
  /** The extension that it concerns; the base if missing. */
  extension?: Received<ResourceShape>;
}

/** A condition for the base resource's status. */
export interface PluginCondition {
  type: string;
  status: boolean | 'Unknown';
  /** Why, in one PascalCase word. */
  reason: string;
  message?: string;
}

/** What `finalize` may return. Nothing means success and no more to say. */
export interface FinalizeResult {
  messages?: Remark[];
  events?: PluginEvent[];
}

/** What `reconcile` may return. Nothing means success and no more to say. */
export interface ReconcileResult extends FinalizeResult {
  /** The base's status; replaces what the plugin returned before. Missing: left as it is. */
  status?: object;
  /** The status of each extension that should change; replaces what the plugin returned before. */
  extensions?: { extension: Received<ResourceShape>; status: object }[];
  conditions?: PluginCondition[];
  /**
   * The resources that the operator is to keep for the base, in its namespace and owned by it, in the order in which they are applied. What
   * is no longer among them is removed. Missing: what is kept stays as it is. The delegation says which kinds are allowed.
   */
  dependents?: Dependent[];
  /** When to be called again although nothing changed, in milliseconds. Missing: as the delegation says. */
  requeueAfter?: number;
}

/** A plugin API that a plugin implements, where more than `Name@1.0.0` is to be said. */
export interface ApiDefinition {
  name: string;
  /** The version of the API, in semantic versioning. */
  version: string;
  /** The extension kinds that the plugin understands, as `Kind` or `Kind.group`. Default: the keys of `extensions`. */
  extensionKinds?: string[];
  /** Free-form capabilities, which a delegation may demand. */
  capabilities?: Record<string, string>;
}

/** What a plugin of several APIs does for one of them, or for some that it treats alike. */
export type ApiImplementation<
  B extends ResourceShape = ResourceShape,
  E extends ExtensionShapes = ExtensionShapes,
> = Pick<PluginDefinition<B, E>, 'api' | 'base' | 'extensions' | 'reconcile' | 'finalize'> & {
  /** What `serveApi` serves beside. */
  serves?: ServedService;
};

/** A plugin whose APIs are implemented by functions of their own, each made by `implementApi`. */
export interface SeveralApisDefinition extends Pick<PluginDefinition, 'name' | 'version' | 'close'> {
  apis: readonly ApiImplementation[];
}

/** A plugin: what it is, and the function that does its work. */
export interface PluginDefinition<
  B extends ResourceShape = ResourceShape,
  E extends ExtensionShapes = ExtensionShapes,
> {
  /** The name that users write in `preferredImplementation`: letters, digits, `.`, `_` and `-`, at most 63 characters. */
  name: string;
  /** The plugin's own version, in semantic versioning. */
  version: string;
  /** The plugin API that it implements, as `Name@1.0.0` or in full; several that it treats alike in a list. */
  api: string | ApiDefinition | (string | ApiDefinition)[];
  /** A schema (zod, valibot, arktype …) of the base resource. One that doesn't fit never reaches `reconcile`: its user is told. */
  base?: StandardSchemaV1<unknown, B>;
  /** Schemas of the extension resources, by kind. */
  extensions?: { [K in keyof E]: StandardSchemaV1<unknown, E[K]> };
  /**
   * Makes the world as the base resource and its extensions describe it. Called with the whole state, any number of times,
   * and must come to the same result each time. Throw `retry(…)` or `terminal(…)` to say what should happen next; any other
   * error is tried again with back-off.
   */
  reconcile(input: ReconcileInput<B, E>): ReconcileResult | void | Promise<ReconcileResult | void>;
  /**
   * Undoes what `reconcile` made. May be called again after it succeeded. A resource that fitted its schema once and was
   * edited since comes as it is. Default: there is nothing to undo.
   */
  finalize?(input: FinalizeInput<B, E>): FinalizeResult | void | Promise<FinalizeResult | void>;
  /** Called once when the plugin stops, after its last call has ended: the place to close connections. */
  close?(): void | Promise<void>;
}
