import { X509Certificate } from 'node:crypto';
import { KplugError } from '../errors.ts';
import type { CertificateExpiry } from './certificate-source.ts';
import { type KeyPair, validityOf } from './read-certificate.ts';

/** Certificates in use. */
export interface CertificatesInUse {
  server: KeyPair;
  caller: KeyPair;
  caBundle: string;
  /** CA of the certificates, for its expiry. */
  authority: X509Certificate | undefined;
}

/** Certificates that a source has in use now, and the listeners to their changes. */
export class SourceState {
  #inUse: CertificatesInUse | undefined;
  readonly #listeners = new Set<() => void>();

  /** Certificates in use; `undefined` before the start. */
  get inUse(): CertificatesInUse | undefined {
    return this.#inUse;
  }

  /** Uses other certificates from now on. Returns which of them changed. */
  use(next: CertificatesInUse): CertificateExpiry['certificate'][] {
    const former = this.#inUse;
    this.#inUse = next;
    const changed: CertificateExpiry['certificate'][] = [];
    if (former?.caBundle !== next.caBundle) changed.push('ca');
    if (former?.server.cert !== next.server.cert) changed.push('server');
    if (former?.caller.cert !== next.caller.cert) changed.push('caller');
    if (changed.length > 0) for (const listener of [...this.#listeners]) listener();
    return changed;
  }

  current(): KeyPair {
    return this.#started().server;
  }

  caller(): KeyPair {
    return this.#started().caller;
  }

  caBundle(): string {
    return this.#started().caBundle;
  }

  expiries(): CertificateExpiry[] {
    if (!this.#inUse) return [];
    const { server, caller, authority } = this.#inUse;
    const expiry = (certificate: CertificateExpiry['certificate'], read: X509Certificate) => ({
      certificate,
      ...validityOf(read),
    });
    return [
      ...(authority ? [expiry('ca', authority)] : []),
      expiry('server', new X509Certificate(server.cert)),
      expiry('caller', new X509Certificate(caller.cert)),
    ];
  }

  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #started(): CertificatesInUse {
    if (!this.#inUse) throw new KplugError('Stopped', 'the certificates are not loaded yet; start their source first');
    return this.#inUse;
  }
}
