import type { SemVer } from 'semver';

/** Protocol of an instance, by the name of its protobuf package: `kplug.v1`, or that of the first Kplug (`kplug`). */
export type Protocol = 'kplug.v1' | 'kplug';

/** Checked registration of an instance. */
export interface Registration {
  /** Name of the plugin. */
  plugin: string;
  /** Semantic version of the plugin. */
  version: string;
  apis: readonly ImplementedApi[];
  /** `host:port`; the host is never empty. */
  address: string;
  /** IP address and port that `address` resolved to when it was checked: the one that is connected to. Missing: `address` is one itself. */
  target?: string;
  /** Id of the process, different from that of any other. */
  instanceId: string;
  protocol: Protocol;
  /** Share of calls relative to other instances, from 0 to 1,000. */
  weight: number;
  /** Labels for people and tools, at most 32. */
  labels: Readonly<Record<string, string>>;
  lease: Lease;
  /** Pod that the instance runs in, if it reported one. */
  pod?: PodReference;
  /** Certificate (DER) that its `PluginService` presents, in base64; it is called by TLS then, and by no other certificate. */
  certificate?: string;
  /** Attachment that it belongs to, as `namespace/name`, for an instance that serves the resources of that one only. */
  attachment?: string;
  /** Declaration that it was found by, for an instance that sends no heartbeats. */
  declaration?: DeclarationReference;
}

/** Names the declaration that an instance was found by, and the `Plugin` resource that shows it. */
export interface DeclarationReference {
  /** Place of the instance: behind a Service, or at an address. */
  source: 'service' | 'address';
  namespace: string;
  name: string;
  /** Verification of the instance, which is called by TLS. */
  tls?: DeclaredTls;
  /** True if the declaration allows plain text. */
  insecure?: boolean;
}

/** Verification of a declared instance, as for any other TLS server. */
export interface DeclaredTls {
  /** CAs that may issue its certificate, as PEM. */
  caBundle: string;
  /** Name that its certificate must have. Default: the host of its address. */
  serverName?: string;
}

/** Names a pod. */
export interface PodReference {
  namespace: string;
  name: string;
}

/** Plugin API that a plugin implements. */
export interface ImplementedApi {
  /** Name of the API, such as `DatabaseTable`. */
  name: string;
  /** Implemented version of the API. */
  version: SemVer;
  /** Extension kinds that the plugin supports; empty if it doesn't say. */
  extensionKinds: readonly ExtensionKind[];
  /** Capabilities with their values, by which a delegation can select plugins. */
  capabilities: Readonly<Record<string, string>>;
  /** Capabilities that resources may ask for. */
  provides: readonly ProvidedCapability[];
}

/** Capability that resources may ask for, in the versions that a plugin provides. */
export interface ProvidedCapability {
  category: string;
  type: string;
  versions: readonly string[];
}

/** Kind of extension, in any version. */
export interface ExtensionKind {
  /** API group; empty for any group. */
  group: string;
  kind: string;
}

/** Lease of an instance. Times in milliseconds. */
export interface Lease {
  /** Interval between heartbeats. */
  interval: number;
  /** Time after the last heartbeat at which the lease expires. */
  ttl: number;
}
