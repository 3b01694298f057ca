import type { PluginDeclarations } from './plugin-declarations.ts';
import type { JsonObject, ResourceKey, ResourceKind } from './resource.ts';

/**
 * What the place where resources live offers beyond them. All of it is optional: an operator on a directory does without.
 */
export interface ClusterServices {
  /** Where users see Events. */
  readonly events?: EventSink | undefined;
  /** Where the known plugins are kept for users to see, and for the next start. */
  readonly plugins?: PluginStore | undefined;
  /** Decides which one of several controllers hears and acts. */
  readonly leadership?: Leadership | undefined;
  /** The pods that plugins may run in. */
  readonly pods?: PodSource | undefined;
  /** Plugins that don't beat, as users declared them. */
  readonly declarations?: PluginDeclarations | undefined;
  /** Where no plugin can be, as `host:port`: the API server itself. */
  readonly reservedAddresses?: readonly string[] | undefined;
  /** Gives plugins that run beside the operator rights of their own. */
  readonly identities?: IdentityIssuer | undefined;
  /** Says which rights the operator lacks. */
  readonly access?: AccessReviewer | undefined;
  /** Has a listener hear of each request to the API server when it was answered. It must not throw. */
  observeRequests?(listener: (request: RequestObservation) => void): void;
}

/** One request to the API server as it ended. */
export interface RequestObservation {
  /** As RBAC has it, for example `patch`; `apply` for a patch that is a server-side apply. */
  verb: string;
  /** As RBAC has it, for example `tables/status`. */
  resource: string;
  /** The HTTP status code, or `<error>` when there was no answer. */
  code: string;
  /** Until the answer began, in milliseconds. */
  duration: number;
}

/** A token of a ServiceAccount. */
export interface IssuedToken {
  token: string;
  /** Milliseconds since the epoch. */
  expiresAt: number;
}

/** Gives plugins that run beside the operator rights of their own, so that they need none of its. */
export interface IdentityIssuer {
  /** A token of a ServiceAccount in the operator's namespace. Rejects with `StorageFailed`. */
  issue(serviceAccount: string): Promise<IssuedToken>;
  /** A kubeconfig, as a text, for whoever has the token in a file, as an `ExecCredential`. */
  kubeconfig(credentialFile: string): string;
}

/** What the operator has to be allowed to do with a kind. */
export interface NeededRight {
  kind: ResourceKind;
  /** Missing for the kind itself. */
  subresource?: 'status';
  /** As RBAC has them, for example `patch`. */
  verbs: readonly string[];
}

/** Says what the operator may do. */
export interface AccessReviewer {
  /**
   * For each right that is lacking, what is missing and which rule would give it. A kind that doesn't exist lacks none. Rejects with
   * `StorageFailed` when nobody could say.
   */
  review(rights: readonly NeededRight[]): Promise<string[]>;
}

/** An Event about a resource. */
export interface ResourceEvent {
  type: 'Normal' | 'Warning';
  /** Why, in one PascalCase word. */
  reason: string;
  message: string;
}

/** Where Events go. Recording never fails and never waits. */
export interface EventSink {
  record(regarding: ResourceKey, event: ResourceEvent): void;
}

/** A plugin in one version, as it is kept. */
export interface PluginRecord {
  /** The name of the record, by which it is found again. */
  name: string;
  /** Where it is, for a plugin that was declared. All others are with the operator. */
  namespace?: string;
  spec: JsonObject;
  status: JsonObject;
  /** Set where a user wrote the record: the generation that the status is of. Nothing but the status is written then. */
  ofGeneration?: number;
}

/** Keeps records of plugins. Failures reject with `StorageFailed`. */
export interface PluginStore {
  /** All that are kept. */
  load(): Promise<PluginRecord[]>;
  /** Keeps a record in place of the one with its name. */
  save(record: PluginRecord): Promise<void>;
  /** Forgets a record. One that isn't kept is fine. */
  remove(record: Pick<PluginRecord, 'name' | 'namespace'>): Promise<void>;
}

/** One of several controllers leads; the others wait until it goes. Closing the resources gives the lead up. */
export interface Leadership {
  /** Fulfilled when this controller leads. Rejects with the reason of the signal. */
  acquire(signal: AbortSignal): Promise<void>;
  /** Has those who look for the leader find this controller. To be called when it hears. Rejects with `StorageFailed`. */
  announce(): Promise<void>;
  /** Fulfilled with the reason when it leads no more. By then nothing can be written any more. */
  readonly lost: Promise<string>;
  /** Whether it leads now. */
  readonly leads: boolean;
}

/** What is known of a pod. */
export interface Pod {
  namespace: string;
  name: string;
  /** `terminating`: it is being deleted. `ended`: its containers have exited for good, or it is gone. */
  state: 'running' | 'terminating' | 'ended';
}

/** Follows pods. */
export interface PodSource {
  /** A pod as it is known now; `undefined` when it isn't there, or none can be seen. */
  get(namespace: string, name: string): Pod | undefined;
  /** Hears of each change of a pod, the ones that are there first. A listener must not throw. */
  follow(listener: (pod: Pod) => void): Promise<void>;
}
