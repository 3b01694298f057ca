/** Observes the work of delegations, for metrics. */
export interface DelegationObserver {
  /** Called when a resource is queued because of a change. */
  queued(delegation: string): void;
  /**
   * Called at the end of a pass, with the time in the queue and the duration of the pass, in milliseconds.
   *
   * @param traceId id of the recorded trace of the pass.
   */
  worked(delegation: string, waited: number, took: number, traceId?: string): void;
  /** Called with the result of a pass, whether it failed, and the names of the plugins that it chose. */
  passed(delegation: string, result: string, failed: boolean, plugins: readonly string[]): void;
  /** Called when a valid answer of a plugin reports a failure, or is refused, with the reason in one word. */
  answerFailed(plugin: string, reason: string, message: string): void;
  /** Called when a pass fails without an exception, with the reason in one word. */
  failed(delegation: string, reason: string): void;
  /** Called when a pass ends with an exception, usually a failed write, with its reason. */
  writeFailed(delegation: string, reason: string): void;
}
