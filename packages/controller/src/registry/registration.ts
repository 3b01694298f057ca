import type { SemVer } from 'semver';

/** How an instance is spoken to: as `kplug.v1` says, or as the first Kplug did (`kplug`). By their names in protobuf. */
export type Protocol = 'kplug.v1' | 'kplug';

/** What an instance says of itself, checked. */
export interface Registration {
  plugin: string;
  version: string;
  apis: readonly ImplementedApi[];
  /** `host:port`, the host never empty. */
  address: string;
  instanceId: string;
  protocol: Protocol;
  /** 0 to 1000. */
  weight: number;
  labels: Readonly<Record<string, string>>;
  lease: Lease;
  /** The pod that it runs in, if it said so. */
  pod?: PodReference;
  /** How it is known, if not by its own heartbeats: it was asked what it is. */
  declaration?: DeclarationReference;
}

/** Names the declaration that an instance was found by, and the record in which users see it. */
export interface DeclarationReference {
  source: 'service' | 'address';
  namespace: string;
  name: string;
}

/** Names a pod. */
export interface PodReference {
  namespace: string;
  name: string;
}

/** One plugin API that a plugin implements. */
export interface ImplementedApi {
  name: string;
  version: SemVer;
  /** The extension kinds that the plugin understands; empty for no statement. */
  extensionKinds: readonly ExtensionKind[];
  capabilities: Readonly<Record<string, string>>;
}

/** A kind of extension, in any version. */
export interface ExtensionKind {
  /** Empty for any group. */
  group: string;
  kind: string;
}

/** The terms on which an instance is believed, in milliseconds. */
export interface Lease {
  interval: number;
  ttl: number;
}
