import type { JsonObject } from '../resource.ts';

/** Plugin that sends no heartbeats, as a user declared it. */
export interface PluginDeclaration {
  /** Record in which users see the plugin. */
  record: RecordReference;
  /** Place of the instances: behind a Service, or at an address. */
  source: 'service' | 'address';
  /** Spec of the record; missing when a user wrote it. */
  spec?: JsonObject;
  /** Generation of the record, when a user wrote it. */
  generation?: number;
  /** Plugin that the declaration expects. */
  expected: ExpectedPlugin;
  /** Verification of its instances, which are called by TLS. */
  tls?: { caBundle: string; serverName: string };
  /** True if its instances may be called in plain text. */
  insecure?: boolean;
  /** Known addresses of its instances. */
  endpoints: readonly DeclaredEndpoint[];
  /** Reason why no instance can be probed. */
  problem?: DeclarationProblem;
}

/** Reference to a record. */
export interface RecordReference {
  namespace: string;
  name: string;
}

/** Plugin that a declaration expects. Missing fields aren't compared. */
export interface ExpectedPlugin {
  plugin?: string;
  /** Version or version range. */
  version?: string;
  /** Plugin APIs, each with a version or a version range. */
  apis: readonly { name: string; version?: string }[];
}

/** Address of one instance, or a name that several instances share. */
export interface DeclaredEndpoint {
  /** `host:port`. */
  address: string;
  /** `unready` gets no calls; `terminating` gets no new ones. */
  state: 'ready' | 'unready' | 'terminating';
  /** Pod of the instance. */
  pod?: { namespace: string; name: string };
}

/** Problem of a declaration, or of the objects that it refers to. */
export interface DeclarationProblem {
  /** Reason, in one PascalCase word. */
  reason: string;
  /** Problem and remedy, for people. */
  message: string;
}

/** Receives a declaration as it is now, or as it was last when it is gone. Must not throw. */
export type DeclarationListener = (declaration: PluginDeclaration, gone: boolean) => void;

/** Follows the declarations of plugins that send no heartbeats. */
export interface PluginDeclarations {
  /**
   * Adds a listener for existing declarations and for each later change. Fulfilled when the listener has received all existing ones,
   * or when they can't be read for now.
   */
  follow(listener: DeclarationListener): Promise<void>;
}
