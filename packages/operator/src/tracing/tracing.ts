/** Traces of a process. */
export interface Tracing {
  /** Sends the last spans, within some seconds. Never rejects. */
  stop(): Promise<void>;
}
