import type { KplugError } from '../errors.ts';
import type { ResourceKey } from '../resources/resource.ts';

/** Context of a trace, as the headers of W3C Trace Context have it. */
export interface TraceContext {
  traceparent: string;
  /** Empty if there is none. */
  tracestate: string;
}

/** Step of a pass, before it is made. */
export type StepSubject = GatherSubject | SelectSubject | CallSubject | WriteSubject;

/** Reads the extensions of a base. */
export interface GatherSubject {
  kind: 'gather';
}

/** Chooses plugins. */
export interface SelectSubject {
  kind: 'select';
}

/** Calls one instance of a plugin. A call that is made again, at another instance or connection, is another step. */
export interface CallSubject {
  kind: 'call';
  /** Name of the RPC: `Reconcile` or `Finalize`. */
  method: string;
  plugin: string;
  version: string;
  /** Id of the instance. */
  instance: string;
  /** Address of the instance, as `host:port`. */
  address: string;
  /** Protocol of the instance: `kplug.v1`, or `kplug` for the first Kplug. */
  protocol: string;
}

/** Writes one resource. */
export interface WriteSubject {
  kind: 'write';
  verb: WriteVerb;
  /** Resource that is written. */
  target: ResourceKey;
  fieldManager: string;
}

/** What is written: the status, a finalizer, or a whole dependent. */
export type WriteVerb = 'status' | 'add-finalizer' | 'remove-finalizer' | 'apply' | 'delete' | 'release';

/** Step that is being made. */
export interface Step {
  /** Context of the trace that the step belongs to; `undefined` without a trace. */
  readonly trace: TraceContext | undefined;
  /** True if the trace is recorded, so that others can refer to it. */
  readonly isTraced: boolean;
  /**
   * Notes how the step ended: the gRPC code of a call, the result of a write, the chosen plugins.
   *
   * @param outcome a function for what costs to describe.
   * @param error error as users see it. Default: the one that the step is ended by.
   */
  ended(outcome: string | (() => string), error?: KplugError): void;
}

/** Steps of one pass. What makes a step makes it through this, so that traces and lists of passes see the same. */
export interface PassSteps {
  /** True if somebody observes the steps. */
  readonly isObserved: boolean;
  /** Makes a step, synchronously or not. An error of it is passed on. */
  run<T>(subject: StepSubject, make: (step: Step) => T): T;
}

const unobservedStep: Step = { trace: undefined, isTraced: false, ended: () => undefined };

/** Steps that nobody observes. */
export const unobserved: PassSteps = { isObserved: false, run: (_, make) => make(unobservedStep) };
