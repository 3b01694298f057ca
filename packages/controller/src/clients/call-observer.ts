import type { ResourceKey } from '../resources/resource.ts';

/** Result of a call of a plugin. */
export interface CallObservation {
  plugin: string;
  /** Name of the RPC: `Reconcile`, `Finalize`, or a method of an API of the operator's own. */
  method: string;
  /** Base resource of the call; missing for a method of an API of the operator's own. */
  resource?: ResourceKey;
  /** Name of the gRPC status code, such as `OK`. */
  code: string;
  /** True if it ended with an error, or with an invalid answer. */
  failed: boolean;
  /** Duration in milliseconds. */
  duration: number;
}

/** Observes the calls of plugins, for metrics. */
export interface CallObserver {
  /** Called when a call begins, with the name of the plugin. */
  calling(plugin: string): void;
  /** Called when it has ended. */
  called(observation: CallObservation): void;
}
