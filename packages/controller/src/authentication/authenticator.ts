// authentication/: proofs of identity: tokens of a cluster, a file or an OIDC issuer, and client certificates.
import type { Identity } from '../registry/identity.ts';

/** Credentials of a call. */
export interface Credentials {
  /** Bearer token. */
  token?: string;
  /** Client certificate (DER) of the TLS connection, which the connection's peer proved to hold. Not verified otherwise. */
  certificate?: Buffer;
  /** Other certificates (DER) that the peer sent, in any order: intermediate CAs. Not verified. */
  intermediates?: readonly Buffer[];
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
   * Starts another check in the background shortly before a proof ends, so that a caller that recalls its proof regularly never waits.
   * Throws `RefusedRegistration` for credentials that are known to be invalid.
   */
  recall(credentials: Credentials): Proof | undefined;

  /**
   * Authenticates. Rejects with `RefusedRegistration`: `UNAUTHENTICATED`, with what is wrong and the remedy, or `CAPACITY` if the check
   * can't be made now and a retry may succeed.
   *
   * @param peer host of the caller, for limits. Default: only the limits for all callers together.
   */
  authenticate(credentials: Credentials, peer?: string): Promise<Proof>;

  /** Stops watching files, and closes connections. */
  close?(): Promise<void>;
}

/** Method of authentication. `none`: credentials that no configured method accepts, or none at all. */
export type AuthenticationMethod = 'serviceaccount' | 'token' | 'oidc' | 'certificate' | 'none';

/**
 * Result of an authentication.
 *
 * - `accepted`: the identity is proven.
 * - `refused`: the credentials are missing or invalid.
 * - `unavailable`: they couldn't be checked now: a limit was reached, or the API server or the issuer was unreachable.
 */
export type AuthenticationResult = 'accepted' | 'refused' | 'unavailable';

/** Receives the result of each authentication, for metrics. Recalled proofs are not reported. Must not throw. */
export interface AuthenticationObserver {
  authenticated(method: AuthenticationMethod, result: AuthenticationResult): void;
}
