// certificates/: the operator's CA and certificates: creation, renewal, storage, and TLS to plugins.
import type { KeyPair } from './read-certificate.ts';

/** Validity of one of the certificates, for metrics and users. */
export interface CertificateExpiry {
  certificate: 'ca' | 'server' | 'caller';
  /** Milliseconds since the epoch. */
  notBefore: number;
  /** Milliseconds since the epoch. */
  notAfter: number;
}

/**
 * Certificates of the operator, as they are now. All methods but `start` and `stop` may be called only once it is started. It is the TLS
 * material of the heartbeat port, too.
 */
export interface CertificateSource {
  /** Loads or makes the certificates, and keeps them up to date. Rejects with `InvalidConfiguration` or `StorageFailed`. */
  start(): Promise<void>;
  /** Stops. The certificates can still be read. */
  stop(): Promise<void>;
  /** Key and certificate chain of the heartbeat port. */
  current(): KeyPair;
  /** Key and certificate chain with which plugins are called. */
  caller(): KeyPair;
  /** Bundle of the CAs that plugins trust, as PEM. */
  caBundle(): string;
  /** Expiry of the certificates in use; empty before the start. */
  expiries(): CertificateExpiry[];
  /** Calls `listener`, which must not throw, when any of them has changed. Returns a function that unsubscribes. */
  subscribe(listener: () => void): () => void;
}

/** Receives what happens to the certificates, for metrics. */
export interface CertificateObserver {
  /** A certificate was made or, if another program makes it, loaded again. */
  renewed(certificate: CertificateExpiry['certificate']): void;
  /** The certificates could not be read, written, published or used; the operation is retried. */
  failed(operation: CertificateOperation): void;
}

/** Operation on the certificates. */
export type CertificateOperation = 'read' | 'write' | 'publish';
