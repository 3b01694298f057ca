import { KeyObject, webcrypto } from 'node:crypto';
import type { X509CertificateCreateSelfSignedParams } from '@peculiar/x509';
import { limits } from '../limits.ts';

/** Private key and certificate chain, both in PEM. */
export interface KeyPair {
  key: Buffer;
  certificate: Buffer;
}

/**
 * Creates a P-256 key and a self-signed certificate for it, which the plugin registers. Nothing but the registration vouches for the
 * certificate, and nothing is written to a disk. The library is loaded here only, so that a plugin without TLS starts without it.
 */
export async function createOwnCertificate(instanceId: string): Promise<KeyPair> {
  // Must be loaded before @peculiar/x509.
  await import('reflect-metadata');
  const x509 = await import('@peculiar/x509');
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const now = Date.now();
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    name: [{ CN: [commonNameOf(instanceId)] }],
    notBefore: new Date(now - limits.security.clockTolerance),
    notAfter: new Date(now + limits.security.certificateLifetime),
    // The types of browsers and of Node.js differ in the usages of keys.
    keys: keys as unknown as X509CertificateCreateSelfSignedParams['keys'],
    signingAlgorithm: algorithm,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
    ],
  });
  return {
    key: Buffer.from(KeyObject.from(keys.privateKey).export({ type: 'pkcs8', format: 'pem' })),
    certificate: Buffer.from(certificate.toString('pem')),
  };
}

/** Returns the name of an instance for people. Quotes and other special characters have a meaning in names of X.509. */
function commonNameOf(instanceId: string): string {
  return instanceId.slice(0, limits.security.maxCommonNameLength).replaceAll(/[^\w.:-]/g, '_') || 'plugin';
}
