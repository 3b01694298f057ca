import type { Manifest } from '@kplug/controller/memory';
import type { ControllerAccess } from './controller/controller-access.ts';

/** Protocol of a plugin, by its protobuf package: the current one, or that of the first Kplug. */
export type Protocol = 'kplug.v1' | 'kplug';

/** Options of the plugin suite. */
export interface ConformPluginOptions {
  /** Base and extensions to call the plugin with. When empty, the base has an empty spec. */
  manifests: readonly Manifest[];
  /** Kind of the base. Required when the manifests and the plugin leave it ambiguous. */
  kind?: string | undefined;
  /**
   * Protocol that the plugin speaks. Default: the protocol of the heartbeats of a plugin that the suite starts; `kplug.v1` for
   * an address, where no heartbeats are seen.
   */
  protocol?: Protocol | undefined;
  /** Deadline of each call, in milliseconds. */
  timeout: number;
  /** Heartbeat interval that a plugin is granted when the suite starts it, in milliseconds. */
  interval: number;
  /** Numbers of the requirements to check. Default: all. */
  only?: readonly string[] | undefined;
  /** Time limits that differ from `defaultPluginTimes`. */
  times?: Partial<PluginTimes> | undefined;
}

/** Time limits of the plugin suite, in milliseconds. */
export interface PluginTimes {
  /** Time for a started plugin to register, or to exit when it refuses to start. */
  start: number;
  /** Time for a plugin to exit after SIGTERM or a request to drain. */
  stop: number;
  /** Time for a plugin to register again: the longest back-off that P6 allows, plus the connection. */
  reconnect: number;
  /** Period in which registration attempts are counted, for the back-off of P6. */
  attempts: number;
  /** Period in which a refused plugin must not register again. */
  refusal: number;
  /** Time for a plugin to log why it was refused. */
  log: number;
  /** Interval at which plugins of the first Kplug's protocol send heartbeats. */
  v0Interval: number;
}

/** Time limits of the plugin suite for plugins in production. */
export const defaultPluginTimes: PluginTimes = {
  start: 60_000,
  stop: 40_000,
  reconnect: 15_000,
  attempts: 2_000,
  refusal: 3_000,
  log: 5_000,
  v0Interval: 5_000,
};

/** Options of the controller suite. */
export interface ConformControllerOptions {
  /** Numbers of the requirements to check. Default: all. */
  only?: readonly string[] | undefined;
  /** Resources that the controller delegates. Default: none; requirements that need some are not tried. */
  delegated?: DelegatedOptions | undefined;
  /** Time limits that differ from `defaultControllerTimes`. */
  times?: Partial<ControllerTimes> | undefined;
  /** Connection and identity of the suite. Default: plain text, without an identity. */
  access?: ControllerAccess | undefined;
}

/** Delegation of the controller, for requirements about its calls. */
export interface DelegatedOptions {
  /** Plugin API of the delegation. The suite implements it. */
  api: { name: string; version: string };
  /** A base and its extensions. */
  manifests: readonly Manifest[];
  /** Kind of the base. Required when the manifests leave it ambiguous. */
  kind?: string | undefined;
  /** Manifest directory of the operator. */
  folder: string;
}

/** Time limits of the controller suite, in milliseconds. */
export interface ControllerTimes {
  /** Time for the controller to answer a request or a message. */
  answer: number;
  /** Time for an expected call to arrive. Must exceed the longest back-off of the controller. */
  call: number;
  /** Time for the call that finalizes a deleted base to arrive. */
  finalize: number;
  /** Time for a retry after an invalid answer to arrive. After it, the base is changed to cause a call. */
  retry: number;
  /** Period in which a call that must not happen is watched for. */
  quiet: number;
  /** Time for the controller to process a change or an answer. */
  settle: number;
}

/** Time limits of the controller suite for controllers in production. */
export const defaultControllerTimes: ControllerTimes = {
  answer: 5_000,
  call: 20_000,
  finalize: 5_000,
  retry: 10_000,
  quiet: 1_500,
  settle: 500,
};
