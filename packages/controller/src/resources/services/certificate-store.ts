/** Stored certificates and keys, by name: texts such as PEM. */
export type CertificateData = Readonly<Record<string, string>>;

/** Stored certificates in the version that was read. */
export interface StoredCertificates {
  data: CertificateData;
  /** Version to replace; opaque. */
  version: string;
}

/**
 * Stores the operator's certificates and keys, where only the operator reads them, and publishes its CA bundle, for all plugins to read.
 * All methods reject with `StorageFailed`, with the object and the remedy.
 */
export interface CertificateStore {
  /** Place of the certificates, for people: `the Secret kplug-system/kplug-tls`. */
  readonly place: string;

  /** Reads the certificates, past any cache; `undefined` when there are none. */
  read(): Promise<StoredCertificates | undefined>;

  /**
   * Creates the certificates, or replaces those of a version. Returns `conflict` when others exist by now: read them, and decide again.
   *
   * @param version version to replace; `undefined` to create them.
   */
  write(data: CertificateData, version: string | undefined): Promise<'written' | 'conflict'>;

  /**
   * Publishes the CA bundle wherever plugins mount it. Returns whether something had to be written.
   *
   * @param bundle reads the bundle. It is called after the published object was read: an older bundle never replaces a newer one.
   */
  publish(bundle: () => Promise<string>): Promise<'published' | 'unchanged'>;
}

/** Reads a certificate that another program renews, such as cert-manager. */
export interface CertificateReader {
  /** Place of the certificate, for people: `the Secret kplug-system/operator-tls`. */
  readonly place: string;

  /** Reads `tls.crt`, `tls.key` and `ca.crt`; `undefined` when there is none. Rejects with `StorageFailed`. */
  read(): Promise<CertificateData | undefined>;
}
