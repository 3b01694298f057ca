// Must be loaded before @peculiar/x509.
import 'reflect-metadata';
import { X509Certificate } from 'node:crypto';
import * as x509 from '@peculiar/x509';
import { expect, it } from 'vitest';
import { days, hours } from '../limits/limit.ts';
import { issueAuthority, issueLeaf } from './issue-certificate.ts';
import { isIssuedBy, isKeyOf, namesOf, validityOf } from './read-certificate.ts';

// Certificates have times of whole seconds.
const now = Date.UTC(2027, 0, 1);
const names = { dns: ['kplug', 'kplug.kplug-system.svc'], ips: ['127.0.0.1', '::1'] };

/** Critical extensions of a certificate, and its key usages. */
function extensionsOf(certificate: X509Certificate) {
  const read = new x509.X509Certificate(certificate.raw);
  const usages = read.getExtension(x509.KeyUsagesExtension)?.usages ?? 0;
  const constraints = read.getExtension(x509.BasicConstraintsExtension);
  return { usages, ca: constraints?.ca, pathLength: constraints?.pathLength, isCritical: constraints?.critical };
}

it('makes a CA that signs certificates, and no other CAs', async () => {
  const { key, cert } = await issueAuthority(now);
  const authority = new X509Certificate(cert);
  expect(isKeyOf(key, authority)).toBe(true);
  expect(isIssuedBy(authority, authority)).toBe(true);
  expect(validityOf(authority)).toEqual({ notBefore: now - 1 * hours, notAfter: now + 365 * days });
  const { keyCertSign, cRLSign } = x509.KeyUsageFlags;
  expect(extensionsOf(authority)).toEqual({ usages: keyCertSign | cRLSign, ca: true, pathLength: 0, isCritical: true });
  const other = new X509Certificate((await issueAuthority(now)).cert);
  expect(other.subject).not.toBe(authority.subject);
  expect(other.serialNumber).not.toBe(authority.serialNumber);
  // Positive, and of 128 bits.
  expect(authority.serialNumber).toMatch(/^[4-7][0-9A-F]{31}$/);
});

it.each([
  [
    'server',
    '1.3.6.1.5.5.7.3.1',
    ['DNS:kplug', 'DNS:kplug.kplug-system.svc', 'IP Address:127.0.0.1', 'IP Address:0:0:0:0:0:0:0:1'],
  ],
  ['caller', '1.3.6.1.5.5.7.3.2', ['URI:kplug://caller']],
] as const)('makes a %s certificate for that use only', async (use, usage, alternativeNames) => {
  const authority = await issueAuthority(now);
  const { key, cert } = await issueLeaf(use, { ...authority, notAfter: now + 365 * days }, names, now);
  const leaf = new X509Certificate(cert);
  expect(isKeyOf(key, leaf)).toBe(true);
  expect(isIssuedBy(leaf, new X509Certificate(authority.cert))).toBe(true);
  expect(isIssuedBy(leaf, new X509Certificate((await issueAuthority(now)).cert))).toBe(false);
  expect(leaf.keyUsage).toEqual([usage]);
  expect(namesOf(leaf)).toEqual(alternativeNames);
  expect(validityOf(leaf)).toEqual({ notBefore: now - 1 * hours, notAfter: now + 30 * days });
  const usages = x509.KeyUsageFlags.digitalSignature;
  expect(extensionsOf(leaf)).toEqual({ usages, ca: false, pathLength: undefined, isCritical: true });
});

it('makes no certificate that outlives its CA', async () => {
  const notAfter = now + 3 * days;
  const { cert } = await issueLeaf('caller', { ...(await issueAuthority(now)), notAfter }, names, now);
  expect(validityOf(new X509Certificate(cert)).notAfter).toBe(notAfter);
});

it('takes one alternative name for one, whatever characters it has', async () => {
  const keys = await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, ['sign', 'verify']);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    name: 'CN=a',
    keys,
    signingAlgorithm: { name: 'ECDSA', hash: 'SHA-256' },
    extensions: [new x509.SubjectAlternativeNameExtension([{ type: 'url', value: 'a://b, URI:kplug://caller' }])],
  });
  expect(namesOf(new X509Certificate(certificate.toString('pem')))).not.toContain('URI:kplug://caller');
});
