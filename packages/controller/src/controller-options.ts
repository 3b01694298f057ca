import type { Logger } from 'pino';
import type { CatalogueOptions } from './catalogue/catalogue-writer.ts';
import type { CallObservation } from './clients/call-observer.ts';
import type { ConnectionsOptions } from './clients/connections-options.ts';
import type { DelegationDeclaration } from './delegation/declaration.ts';
import type { ProbingOptions } from './discovery/plugin-prober.ts';
import type { HeartbeatConnectionOptions } from './heartbeat/heartbeat-server.ts';
import type { PluginResourceOptions } from './plugin-resources/plugin-resource-writer.ts';
import type { AddressPolicy } from './registry/address-checker.ts';
import type { RegistryQuota } from './registry/holder-quota.ts';
import type { LeaseOptions } from './registry/lease-policy.ts';
import type { Resources } from './resources/port.ts';
import type { SecurityOptions } from './security-options.ts';
import type { PluginsFolderOptions } from './supervisor/options.ts';
import type { ProgramSource } from './supervisor/program-source.ts';

/** Options of a controller. */
export interface ControllerOptions {
  /** Resources to reconcile. The controller closes them when it stops. */
  resources: Resources;
  /** Delegations, with unique names. At least one, unless `followDelegations` lets users declare more. */
  delegations?: readonly DelegationDeclaration[];
  /**
   * Follows `Delegation` resources (`delegations.kplug.dev/v1alpha1`), which users may apply, change and delete while the
   * controller runs: those whose label `kplug.dev/operator` names this operator, or those without that label. Default false.
   */
  followDelegations?: boolean | { operator: string };
  /**
   * Follows `Attachment` resources (`attachments.kplug.dev/v1alpha1`), by which users take over resources with a plugin of their own machine.
   * Everyone who may create one in a namespace then gets what plugins get there. Default false.
   */
  followAttachments?: boolean;
  /**
   * Address to which plugins send heartbeats, as `host:port` or `:port`; port 0 selects a free one. Default `localhost:50050`, which only
   * processes of the same machine reach. Any other address needs TLS, and plugins that prove their identities.
   */
  heartbeatAddress?: string;
  /** Identities of plugins, and encryption. */
  security?: SecurityOptions;
  /** Address of the read-only services, metrics and probes; `false` for none. Default `127.0.0.1:8082`. */
  adminAddress?: string | false;
  /** Address of the metrics alone (`/metrics`). Default: none. */
  metricsAddress?: string | false;
  /** Address of the probes alone (`/healthz`, `/readyz`). Default: none. */
  probeAddress?: string | false;
  /** Bounds of the connections to the heartbeat port. */
  heartbeatConnections?: HeartbeatConnectionOptions;
  /** Bounds of the connections to each of the ports for users, metrics and probes. */
  adminConnections?: {
    /** Maximum number of connections. Default 256, and at most 6 % of the file descriptors of the process. */
    max?: number;
  };
  /**
   * Host names by which clients may address the ports for users, metrics and probes, besides `localhost`, 127.0.0.1 and ::1. A port that is
   * not bound to loopback also answers to all IP addresses, names without a dot, and names that end in `.svc`, `.cluster.local`,
   * `.local` or `.internal`. Other names are refused, as a web page could point one to this address (DNS rebinding). Default: none.
   */
  adminHosts?: readonly string[];
  /**
   * Serves the page for people at `/` of the admin port, to those who may read the port. Default true. Its files, about 150 KB, are read at
   * the first request.
   */
  page?: boolean;
  /** Number of resources reconciled concurrently by a delegation that sets none itself. Default 32. */
  concurrency?: number;
  /** Lease intervals and limits. */
  lease?: LeaseOptions;
  /** Addresses that plugins may register. */
  addresses?: AddressPolicy;
  /**
   * Accepts plugins of the first Kplug, whose protocol has neither encryption nor authentication of plugins. Default false.
   */
  allowInsecurePlugins?: boolean;
  /**
   * Sources from which these are accepted: names of namespaces, whose pods are known by their addresses, on a cluster; CIDRs such as
   * `10.1.0.0/16`, and IP addresses. Plugins of a namespace may register addresses of their own pod and its Services only. Default: all.
   */
  insecurePluginsFrom?: readonly string[];
  /** Probing of plugins that send no heartbeats. */
  probing?: ProbingOptions;
  /** Connections to plugins. */
  connections?: ConnectionsOptions;
  /** Maximum number of plugin instances; further ones are refused. Default 200,000. */
  registryCapacity?: number;
  /** Time for which the name of a plugin without instances belongs to its owner, in milliseconds. Default 3,600,000 (1 h). */
  nameRetention?: number;
  /** Bounds of what the registry holds in memory, by host and in all. */
  registryQuota?: RegistryQuota;
  /** Time that in-flight calls may take to end when the controller stops, in milliseconds. Default 20,000. */
  stopTimeout?: number;
  /** Writing of `Plugin` resources, where the resources have a store for them. */
  pluginResources?: PluginResourceOptions;
  /** Catalogue of the capabilities that can be asked for, where the resources have a store for it. */
  catalogue?: CatalogueOptions;
  /** Folder whose files the controller runs as plugins, as child processes, while it leads. Default: none. */
  pluginsFolder?: PluginsFolderOptions;
  /** Source of programs that the controller runs as plugins, instead of those of a folder. Default: none. */
  programs?: ProgramSource;
  /**
   * Allows actions through the admin port, such as draining an instance: without a cluster to processes of this machine, on a cluster to
   * users who bring their token and may `update` `plugins/drain` (group `plugins.kplug.dev`) in the namespace of the operator. Default false.
   */
  allowActions?: boolean;
  /**
   * Records the last calls of plugins for each of the resources that were called last, for users of the admin port. Values of Secrets, and
   * what looks like a secret, are masked; everything else in these resources is shown. Default false.
   */
  recordCalls?: boolean;
  /** Called after each call of a plugin. Must not throw. */
  onCall?: (call: CallObservation) => void;
  /** Logger. Default: pino on standard output, level `info`. */
  logger?: Logger;
}
