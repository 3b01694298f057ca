import type { PluginCondition, Progress, Requirement, RuledDependent } from '../plugin.ts';

/**
 * Outcome of a call.
 *
 * - `Success`: the work is done.
 * - `InProgress`: the plugin returned `progress`.
 * - `Retry`: the call failed, and the operator would repeat it.
 * - `Terminal`: the call failed, and the operator would not repeat it until something changes.
 */
export type TestOutcome = 'Success' | 'InProgress' | 'Retry' | 'Terminal';

/** Message to the user. Its extension is `Kind/name`; without one, it is about the base. */
export interface ReportedMessage {
  severity: 'info' | 'warning' | 'error';
  reason: string;
  text: string;
  extension?: string;
}

/** Event to record. Its extension is `Kind/name`; without one, it is about the base. */
export interface ReportedEvent {
  type: 'Normal' | 'Warning';
  reason: string;
  message: string;
  extension?: string;
}

/** Progress that the plugin returned. A text that it left out is empty. */
export type ReportedProgress = Progress & { message: string; token: string };

/** Result of a call of `finalize` in a test, as an operator receives it. */
export interface FinalizeTestResult {
  outcome: TestOutcome;
  /** Reason of a failure in one PascalCase word, such as `InvalidSpec`; empty for `Success` and `InProgress`. */
  reason: string;
  /** Message of a failure or of the progress; empty for `Success`. */
  message: string;
  /** Delay before the retry, in milliseconds; `undefined` for the back-off of the operator. */
  retryAfter: number | undefined;
  progress: ReportedProgress | undefined;
  /** Messages to the user, also those of a failure. */
  messages: ReportedMessage[];
  events: ReportedEvent[];
  /** Further resources that the plugin requires, by the names of the requirements. */
  require: Record<string, Requirement>;
  /** Error that the function of the plugin threw, with its stack; `undefined` if it threw none. */
  thrown: unknown;
}

/** Result of a call of `reconcile` in a test, as an operator receives it. */
export interface ReconcileTestResult extends FinalizeTestResult {
  /** Status of the base; `undefined` for no change. */
  status: Record<string, unknown> | undefined;
  /** Statuses of extensions, by `Kind/name`. */
  extensions: Record<string, Record<string, unknown>>;
  /** Conditions of the base. A message that was left out is empty. */
  conditions: (PluginCondition & { message: string })[];
  /** Dependents, each as a manifest with the rules that differ from the defaults; `undefined` for no change. */
  dependents: RuledDependent[] | undefined;
  /** Delay until the next call, in milliseconds; `undefined` for the default of the delegation. */
  requeueAfter: number | undefined;
  /** Time for which the answer holds, in milliseconds; `undefined` if it doesn't hold. */
  validFor: number | undefined;
}
