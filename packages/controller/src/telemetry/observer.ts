/** Hears how delegations work, for metrics. */
export interface DelegationObserver {
  /** A resource was queued because something changed. */
  queued(delegation: string): void;
  /** A resource left the queue and its work has ended. Milliseconds. */
  worked(delegation: string, waited: number, took: number): void;
  /** A pass has ended, and with what result. */
  passed(delegation: string, result: string): void;
}
