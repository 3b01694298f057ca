import type { Connection } from '../operator/operator-place.ts';

/** Operator that `kplug ui` forwards requests to. It changes when another pod leads. */
export interface Upstream {
  /** Returns the location of the operator for a new request. Rejects with an error for people. */
  current(): Promise<UpstreamPlace>;
  /** Called when the operator could not be asked or broke off, so that it is looked for again. */
  failed(): void;
}

/** Location of an operator. */
export interface UpstreamPlace {
  /** URL of the admin port. */
  url: string;
  connection?: Connection;
  /** Aborted when the operator is no longer the one to ask, which ends its streams. */
  signal?: AbortSignal;
}
