/** A request to the API server, after it ended. */
export interface RequestObservation {
  /** Verb as in RBAC, for example `patch`; `apply` for a server-side apply. */
  verb: string;
  /** Resource as in RBAC, for example `tables/status`. */
  resource: string;
  /** HTTP status code, or `<error>` when there was no response. */
  code: string;
  /** Time until the response began, in milliseconds. */
  duration: number;
}

/** Receives each request to the API server after its response or failure. Must not throw. */
export type RequestListener = (request: RequestObservation) => void;
