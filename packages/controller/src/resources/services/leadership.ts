/** Leader election: one of several controllers leads, the others wait. Closing the resources releases the leadership. */
export interface Leadership {
  /** Fulfilled when this controller leads. Rejects with the reason of the signal. */
  acquire(signal: AbortSignal): Promise<void>;
  /** Directs heartbeats to this controller. Call it once the controller accepts them. Rejects with `StorageFailed`. */
  announce(): Promise<void>;
  /** Fulfilled with the reason when the leadership is lost. No write succeeds after that. */
  readonly lost: Promise<string>;
  /** True if this controller leads now. */
  readonly leads: boolean;
}
