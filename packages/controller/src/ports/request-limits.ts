/** Limits of the requests of a connection. */
export interface RequestLimits {
  /** Maximum size of the headers of a request. */
  maxHeaderSize: number;
  /** Time from the beginning of a request to the beginning of its answer. */
  requestTimeout: number;
  /** Time without an open request after which a connection is closed. */
  idleTimeout: number;
}
