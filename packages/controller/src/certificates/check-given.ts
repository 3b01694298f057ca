import type { X509Certificate } from 'node:crypto';
import { KplugError } from '../errors.ts';
import type { CertificateData } from '../resources/services/certificate-store.ts';
import { callerUri, type ServerNames } from './issue-certificate.ts';
import {
  formatCertificates,
  isIssuedBy,
  isKeyOf,
  isValidAt,
  type KeyPair,
  keyUsages,
  namesOf,
  readCertificates,
  validityOf,
} from './read-certificate.ts';

/** Certificate that another program renews, after its checks. */
export interface GivenCertificate {
  pair: KeyPair;
  /** CAs that plugins trust. */
  authorities: readonly X509Certificate[];
}

/**
 * Checks a certificate that another program renews: it serves the heartbeat port, and calls plugins. Throws `InvalidConfiguration` with
 * everything that is wrong, and with the remedy.
 */
export function checkGiven(
  data: CertificateData | undefined,
  { place, names, now }: { place: string; names: ServerNames; now: number },
): GivenCertificate {
  if (!data) throw refusal(place, ['it does not exist']);
  const { 'tls.crt': cert = '', 'tls.key': key = '', 'ca.crt': ca = '' } = data;
  const missing = Object.entries({ 'tls.crt': cert, 'tls.key': key, 'ca.crt': ca }).flatMap(([name, text]) =>
    text.trim() ? [] : [`${name} is missing`],
  );
  if (missing.length > 0) throw refusal(place, missing);
  const chain = readPem(cert, 'tls.crt', place);
  const authorities = readPem(ca, 'ca.crt', place);
  const [leaf] = chain;
  if (!leaf) throw refusal(place, ['tls.crt has no certificate']);
  const problems = [
    ...(isKeyOf(key, leaf) ? [] : ['tls.key is not the key of the first certificate in tls.crt']),
    ...findValidityProblems(leaf, now),
    ...findUsageProblems(leaf),
    ...findNameProblems(leaf, names),
    ...(isTrusted(chain, authorities) ? [] : ['tls.crt was not issued by a CA in ca.crt']),
  ];
  if (problems.length > 0) throw refusal(place, problems);
  return { pair: { key, cert: formatCertificates(chain) }, authorities };
}

/** Reports whether one of some CAs issued the last certificate of a chain, or is in it, and each certificate issued the former one. */
export function isTrusted(chain: readonly X509Certificate[], authorities: readonly X509Certificate[]): boolean {
  for (const [index, certificate] of chain.entries()) {
    if (authorities.some((authority) => isIssuedBy(certificate, authority))) return true;
    const issuer = chain[index + 1];
    if (!issuer || !isIssuedBy(certificate, issuer)) return false;
  }
  return false;
}

function readPem(pem: string, name: string, place: string): X509Certificate[] {
  try {
    return readCertificates(pem);
  } catch {
    throw refusal(place, [`${name} has a malformed certificate`]);
  }
}

function findValidityProblems(leaf: X509Certificate, now: number): string[] {
  const validity = validityOf(leaf);
  if (isValidAt(validity, now)) return [];
  const { notBefore, notAfter } = validity;
  const isEarly = now < notBefore;
  return [
    isEarly
      ? `it is not valid before ${new Date(notBefore).toISOString()}`
      : `it expired at ${new Date(notAfter).toISOString()}`,
  ];
}

function findUsageProblems({ keyUsage }: X509Certificate): string[] {
  // Without extended key usages, a certificate may be used for everything.
  if (!keyUsage) return [];
  const missing = Object.entries(keyUsages).flatMap(([name, id]) => (keyUsage.includes(id) ? [] : [name]));
  return missing.length > 0
    ? [
        `its extended key usages lack ${missing.join(' and ')}; with cert-manager, set "usages: [server auth, client auth]"`,
      ]
    : [];
}

function findNameProblems(leaf: X509Certificate, { dns, ips }: ServerNames): string[] {
  const missing = [
    ...dns.filter((name) => leaf.checkHost(name) === undefined),
    ...ips.filter((ip) => leaf.checkIP(ip) === undefined),
  ];
  return [
    ...(missing.length > 0 ? [`its alternative names lack ${missing.join(', ')}, by which plugins connect`] : []),
    ...(namesOf(leaf).includes(`URI:${callerUri}`)
      ? []
      : [
          `its alternative names lack the URI ${callerUri}, which plugins require of their caller; with cert-manager, set "uris: [${callerUri}]"`,
        ]),
  ];
}

function refusal(place: string, problems: readonly string[]): KplugError {
  return new KplugError('InvalidConfiguration', `The certificate in ${place} can't be used: ${problems.join('; ')}.`);
}
