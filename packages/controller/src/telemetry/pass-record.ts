import type { ResourceKey } from '../resources/resource.ts';
import type { StepSubject } from './pass-steps.ts';

/** Pass that has ended, for people. Texts of others in it are cut. */
export interface PassRecord {
  /** Base resource of the pass. */
  key: ResourceKey;
  uid: string;
  generation: number;
  delegation: string;
  /** Number of the attempt: consecutive failures before this pass, plus one. */
  attempt: number;
  /** Beginning, in milliseconds since the epoch. */
  startedAt: number;
  /** Time in the queue, in milliseconds. */
  waited: number;
  /** Duration, in milliseconds. */
  took: number;
  /** Result. `stopped`: it was ended as the controller is stopping. */
  result: PassResultName;
  /** True if it failed, by an error or by what a plugin reports, also if it is not retried. */
  failed: boolean;
  /** Status of the condition `Ready` after the pass: `False` if an error ended it. `undefined` without the condition. */
  ready: 'True' | 'False' | 'Unknown' | undefined;
  /** Reason of the condition `Ready` after the pass, or the code of the error that ended it. Empty if there is none. */
  reason: string;
  /** Message that belongs to the reason. */
  message: string;
  /** Chosen plugins, as `name version`. */
  plugins: readonly string[];
  /** Steps in the order in which they ended. */
  steps: readonly PassStep[];
  /** Number of further steps, which exceed the limit. */
  omittedSteps: number;
  /** Id of the recorded trace of the pass, as 32 hexadecimal digits. Missing without one. */
  traceId?: string;
}

/** How a pass ended. */
export type PassResultName = 'settled' | 'waiting' | 'retry' | 'stale' | 'again' | 'paused' | 'done' | 'stopped';

/** Step of a pass that has ended. */
export interface PassStep {
  kind: StepSubject['kind'];
  /** What the step is about: the called instance (`Reconcile of PostgreSQL 1.0.0 at 10.0.0.1:5000`), or what was written. */
  target: string;
  /** Beginning, in milliseconds after that of the pass. */
  offset: number;
  /** Duration, in milliseconds. */
  took: number;
  /** How it ended: gRPC code of a call, result of a write, chosen plugins. Empty if it is not known. */
  outcome: string;
  /** Error that ended the step. */
  error?: { code: string; message: string };
}

/** End of a pass. */
export interface PassEnd extends Pick<PassRecord, 'result' | 'failed' | 'ready' | 'reason' | 'message' | 'plugins'> {
  /** Error that ended the pass. */
  error?: unknown;
}

/** Receives passes. */
export interface PassObserver {
  /** Called at the end of each pass. Must not throw. */
  ended(pass: PassRecord): void;
}
