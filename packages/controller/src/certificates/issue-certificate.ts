import { randomBytes, type webcrypto } from 'node:crypto';
import { limits } from '../limits/limits.ts';
import type { KeyPair, Validity } from './read-certificate.ts';

const { authorityLifetime, lifetime, backdate } = limits.certificates;

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;

/** URI in the certificate with which the operator calls plugins. Plugins accept no other client. */
export const callerUri = 'kplug://caller';

/** Use of a certificate of the operator: serving the heartbeat port, or calling plugins. */
export type LeafUse = 'server' | 'caller';

/** Makes a CA: P-256, valid for a year. */
export async function issueAuthority(now: number): Promise<KeyPair> {
  const x509 = await loadX509();
  const keys = await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const serialNumber = makeSerial();
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    // The names of two CAs differ, so that clients that look up issuers by name find the right one.
    name: `CN=kplug-ca-${serialNumber.slice(0, 8)}`,
    serialNumber,
    ...datesOf({ notBefore: now - backdate, notAfter: now + authorityLifetime }),
    keys,
    signingAlgorithm: algorithm,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return { key: await formatKey(keys.privateKey), cert: `${certificate.toString('pem')}\n` };
}

/** CA that signs a certificate. */
export interface Issuer extends KeyPair, Pick<Validity, 'notAfter'> {}

/** Makes a certificate for one use, signed by a CA: P-256, valid for 30 days or until the CA expires. @param names DNS names and IP addresses. */
export async function issueLeaf(use: LeafUse, issuer: Issuer, names: ServerNames, now: number): Promise<KeyPair> {
  const x509 = await loadX509();
  const keys = await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const authority = new x509.X509Certificate(issuer.cert);
  const certificate = await x509.X509CertificateGenerator.create({
    subject: `CN=kplug-${use}`,
    issuer: authority.subjectName,
    serialNumber: makeSerial(),
    ...datesOf({ notBefore: now - backdate, notAfter: Math.min(now + lifetime, issuer.notAfter) }),
    publicKey: keys.publicKey,
    signingKey: await importKey(issuer.key),
    signingAlgorithm: algorithm,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      // One use each: a stolen server key can't call plugins, and the caller's can't serve the heartbeat port.
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage[use === 'server' ? 'serverAuth' : 'clientAuth']]),
      new x509.SubjectAlternativeNameExtension(
        use === 'server'
          ? [
              ...names.dns.map((value) => ({ type: 'dns' as const, value })),
              ...names.ips.map((value) => ({ type: 'ip' as const, value })),
            ]
          : [{ type: 'url', value: callerUri }],
      ),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
      await x509.AuthorityKeyIdentifierExtension.create(authority.publicKey),
    ],
  });
  return { key: await formatKey(keys.privateKey), cert: `${certificate.toString('pem')}\n` };
}

/** Names in the certificate of the heartbeat port. */
export interface ServerNames {
  dns: readonly string[];
  ips: readonly string[];
}

/** Loads the library when a certificate is made: it takes long to load, and most starts make none. */
async function loadX509(): Promise<typeof import('@peculiar/x509')> {
  await import('reflect-metadata');
  return import('@peculiar/x509');
}

/** Makes a random positive serial number of 128 bits. */
function makeSerial(): string {
  const bytes = randomBytes(16);
  bytes.writeUInt8((bytes.readUInt8(0) & 0x3f) | 0x40, 0);
  return bytes.toString('hex');
}

function datesOf({ notBefore, notAfter }: Validity): { notBefore: Date; notAfter: Date } {
  return { notBefore: new Date(notBefore), notAfter: new Date(notAfter) };
}

async function formatKey(key: webcrypto.CryptoKey): Promise<string> {
  const base64 = Buffer.from(await crypto.subtle.exportKey('pkcs8', key)).toString('base64');
  const lines = base64.match(/.{1,64}/g) ?? [];
  return ['-----BEGIN PRIVATE KEY-----', ...lines, '-----END PRIVATE KEY-----', ''].join('\n');
}

async function importKey(pem: string): Promise<webcrypto.CryptoKey> {
  const base64 = pem.replace(/-----[A-Z ]+-----|\s/g, '');
  return crypto.subtle.importKey('pkcs8', Buffer.from(base64, 'base64'), algorithm, false, ['sign']);
}
