// authentication/: proofs of identity: tokens of a cluster, a file or an OIDC issuer, and client certificates.
import type { Identity } from '../registry/identity.ts';

/** Credentials of a call. */
export interface Credentials {
  /** Bearer token. */
  token?: string;
  /** Client certificate (DER) of the TLS connection, which the connection's peer proved to hold. Not verified otherwise. */
  certificate?: Buffer;
}

/** Proof of an identity. Times in milliseconds since the epoch. */
export interface Proof {
  identity: Identity;
  /** Time until which the proof may be believed without another check. A long session is authenticated again by then. */
  validUntil: number;
}

/** Authenticates the callers of the heartbeat port. */
export interface Authenticator {
  /**
   * Returns a proof that is known without I/O, so that repeated heartbeats are cheap; `undefined` if `authenticate` must be called.
   * Throws `RefusedRegistration` for credentials that are known to be invalid.
   */
  recall(credentials: Credentials): Proof | undefined;

  /**
   * Authenticates. Rejects with `RefusedRegistration`: `UNAUTHENTICATED`, with what is wrong and the remedy, or `CAPACITY` if the check
   * can't be made now and a retry may succeed.
   */
  authenticate(credentials: Credentials): Promise<Proof>;
}
