import type { KplugError } from '../errors.ts';
import type { Protocol } from '../registry/registration.ts';
import type { ResourceKey } from '../resources/resource.ts';
import type { CallTrace } from './plugin-call.ts';

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
  /** Reason in one word and message of the error, or of the refusal of the answer; missing for a success. */
  error?: { reason: string; message: string };
  /** Header `traceparent` of the recorded trace that the call belongs to; missing without one. */
  traceparent?: string;
}

/** Observes the calls of plugins, for metrics. */
export interface CallObserver {
  /** Called when a call begins, with the name of the plugin. */
  calling(plugin: string): void;
  /** Called when it has ended. */
  called(observation: CallObservation): void;
}

/** Attempt to make a call at one instance. */
export interface CallAttempt {
  /** Name of the RPC, as in `CallObservation`. */
  method: string;
  plugin: string;
  version: string;
  /** Id of the instance. */
  instance: string;
  address: string;
  protocol: Protocol;
}

/** Attempt that is being made. */
export interface ObservedAttempt {
  /** Context of the trace that the attempt belongs to. */
  readonly trace: CallTrace | undefined;
  /** True if that trace is recorded. */
  readonly isTraced: boolean;
  /** Notes the name of the gRPC status code, and the error as users see it. */
  ended(code: string, error?: KplugError): void;
}

/** Makes the attempts of a call, so that each can be observed. */
export interface CallAttempts {
  run<T>(attempt: CallAttempt, make: (observed: ObservedAttempt) => Promise<T>): Promise<T>;
}
