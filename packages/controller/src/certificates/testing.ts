// Must be loaded before @peculiar/x509.
import 'reflect-metadata';
import { createPrivateKey } from 'node:crypto';
import * as x509 from '@peculiar/x509';
import { days, hours } from '../limits/limit.ts';
import { callerUri, type Issuer, type ServerNames } from './issue-certificate.ts';
import type { KeyPair } from './read-certificate.ts';

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };

/** Makes a certificate for servers and clients, as cert-manager does. @param uri its URI. */
export async function issueBoth(
  issuer: Issuer,
  {
    names = { dns: [], ips: [] },
    uri = callerUri,
    now = Date.now(),
  }: { names?: ServerNames; uri?: string; now?: number } = {},
): Promise<KeyPair> {
  const keys = await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const der = createPrivateKey(issuer.key).export({ format: 'der', type: 'pkcs8' });
  const { serverAuth, clientAuth } = x509.ExtendedKeyUsage;
  const certificate = await x509.X509CertificateGenerator.create({
    subject: 'CN=operator',
    issuer: new x509.X509Certificate(issuer.cert).subjectName,
    notBefore: new Date(now - 1 * hours),
    notAfter: new Date(now + 30 * days),
    publicKey: keys.publicKey,
    signingKey: await crypto.subtle.importKey('pkcs8', der, algorithm, false, ['sign']),
    signingAlgorithm: algorithm,
    extensions: [
      new x509.ExtendedKeyUsageExtension([serverAuth, clientAuth]),
      new x509.SubjectAlternativeNameExtension([
        ...names.dns.map((value) => ({ type: 'dns' as const, value })),
        { type: 'url', value: uri },
      ]),
    ],
  });
  const key = Buffer.from(await crypto.subtle.exportKey('pkcs8', keys.privateKey));
  const pem = createPrivateKey({ key, format: 'der', type: 'pkcs8' }).export({ format: 'pem', type: 'pkcs8' });
  return { key: pem.toString(), cert: certificate.toString('pem') };
}
