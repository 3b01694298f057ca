import { createPrivateKey, X509Certificate } from 'node:crypto';

/** Key and certificate chain, as PEM. */
export interface KeyPair {
  key: string;
  /** Certificate, followed by those of intermediate CAs. */
  cert: string;
}

const certificatePattern = /-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g;

/** Reads all certificates of a PEM text, in their order. Throws if one of them is malformed. */
export function readCertificates(pem: string): X509Certificate[] {
  return (pem.match(certificatePattern) ?? []).map((block) => new X509Certificate(block));
}

/** Formats certificates as PEM. */
export function formatCertificates(certificates: readonly X509Certificate[]): string {
  return certificates
    .map((certificate) => certificate.toString().trim())
    .join('\n')
    .concat('\n');
}

/** Reports whether a private key (PEM) belongs to a certificate. False for a malformed key. */
export function isKeyOf(key: string, certificate: X509Certificate): boolean {
  try {
    return certificate.checkPrivateKey(createPrivateKey(key));
  } catch {
    return false;
  }
}

/** Reports whether two certificates are equal in every byte. */
export function isSameCertificate(a: X509Certificate, b: X509Certificate): boolean {
  return a.raw.equals(b.raw);
}

/** Reports whether a certificate was signed by a CA. False if the key of either can't be read. */
export function isIssuedBy(certificate: X509Certificate, authority: X509Certificate): boolean {
  try {
    return certificate.checkIssued(authority) && certificate.verify(authority.publicKey);
  } catch {
    return false;
  }
}

/** Validity of a certificate, in milliseconds since the epoch. */
export interface Validity {
  notBefore: number;
  notAfter: number;
}

/** Returns the validity of a certificate. One with a malformed time has expired long ago. */
export function validityOf({ validFromDate, validToDate }: X509Certificate): Validity {
  const [notBefore, notAfter] = [validFromDate.getTime(), validToDate.getTime()];
  return Number.isNaN(notBefore + notAfter) ? { notBefore: 0, notAfter: 0 } : { notBefore, notAfter };
}

/** Reports whether a time is within a validity. */
export function isValidAt({ notBefore, notAfter }: Validity, now: number): boolean {
  return notBefore <= now && now < notAfter;
}

/** Extended key usages, by object identifier. */
export const keyUsages = { serverAuth: '1.3.6.1.5.5.7.3.1', clientAuth: '1.3.6.1.5.5.7.3.2' } as const;

/** Alternative names of a certificate, as `DNS:name`, `IP Address:…` and `URI:…`. */
export function namesOf({ subjectAltName = '' }: X509Certificate): string[] {
  // Names with special characters are quoted as JSON, so that no name can pass for several.
  return (subjectAltName.match(/[A-Za-z ]+:(?:"(?:[^"\\]|\\.)*"|[^,]*)/g) ?? []).map((name) => name.trim());
}
