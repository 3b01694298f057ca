import { X509Certificate } from 'node:crypto';
import { limits } from '../limits/limits.ts';
import { unauthenticated } from './refusals.ts';
import {
  BasicConstraintsExtension,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  X509Certificate as ParsedCertificate,
} from './x509.ts';

const { maxCertificateSize, maxIntermediates, maxChainLength, maxSignatures, clockTolerance } = limits.authentication;

const clientAuth = '1.3.6.1.5.5.7.3.2';
const anyUsage = '2.5.29.37.0';

/** Critical extensions that are checked here. A certificate with any other one must be refused (RFC 5280, section 4.2). */
const knownExtensions = new Set(['2.5.29.15', '2.5.29.17', '2.5.29.19', '2.5.29.37']);

/** Certificate as OpenSSL has it, which verifies signatures, and with all its fields. */
export interface Certificate {
  native: X509Certificate;
  parsed: ParsedCertificate;
}

/** Reads a certificate (DER or PEM). Throws if it can't be read. */
export function readCertificate(content: Buffer | string): Certificate {
  const native = new X509Certificate(content);
  return { native, parsed: new ParsedCertificate(native.raw) };
}

/** Returns the fault of a certificate as a CA; `undefined` if there is none. */
export function authorityFault(certificate: Certificate): string | undefined {
  const { native, parsed } = certificate;
  if (!native.ca) return 'is not a CA';
  const usages = parsed.getExtension(KeyUsagesExtension)?.usages;
  if (usages !== undefined && (usages & KeyUsageFlags.keyCertSign) === 0) return 'may not sign certificates';
  const purposes = parsed.getExtension(ExtendedKeyUsageExtension)?.usages.map(String);
  if (purposes && !purposes.includes(clientAuth) && !purposes.includes(anyUsage)) {
    return 'is not a CA for client authentication';
  }
  return weakness(certificate);
}

/**
 * Verifies that a certificate is valid for client authentication now, and chains to an authority. Throws `RefusedRegistration`. Returns the
 * certificate, and the time at which the first certificate of the chain ends, in milliseconds since the epoch.
 */
export function verifyChain(
  leaf: Buffer,
  intermediates: readonly Buffer[],
  authorities: readonly Certificate[],
): { certificate: Certificate; endsAt: number } {
  if (intermediates.length > maxIntermediates) {
    throw refused(`was sent with ${intermediates.length} others; at most ${maxIntermediates} are accepted`);
  }
  const certificate = readSent(leaf);
  const fault = clientFault(certificate);
  if (fault) throw refused(fault);
  const search = new ChainSearch(intermediates.map(readSent), authorities);
  const endsAt = search.find(certificate, []);
  if (endsAt === undefined) {
    throw refused(
      search.fault ?? "doesn't chain to a CA that this operator accepts; send the intermediate certificates, too",
    );
  }
  return { certificate, endsAt };
}

function readSent(der: Buffer): Certificate {
  try {
    if (der.length <= maxCertificateSize) return readCertificate(der);
  } catch {
    // Reported below, as any content that is no certificate.
  }
  throw refused(`can't be read; use an X.509 certificate of at most ${maxCertificateSize} bytes`);
}

function clientFault(certificate: Certificate): string | undefined {
  const { native, parsed } = certificate;
  if (native.ca) return 'is that of a CA; use one of its certificates';
  const purposes = parsed.getExtension(ExtendedKeyUsageExtension)?.usages.map(String) ?? [];
  if (!purposes.includes(clientAuth)) return 'has no extended key usage clientAuth; request one with it';
  const usages = parsed.getExtension(KeyUsagesExtension)?.usages;
  if (usages !== undefined && (usages & KeyUsageFlags.digitalSignature) === 0) {
    return 'has no key usage digitalSignature; request one with it';
  }
  return timeFault(certificate) ?? weakness(certificate);
}

/** Search for a chain to an authority. Its depth and the number of signatures are bounded, however the certificates refer to each other. */
class ChainSearch {
  readonly #intermediates: readonly Certificate[];
  readonly #authorities: readonly Certificate[];
  #signatures = 0;
  /** Fault of a certificate that would complete or continue the chain. */
  fault: string | undefined;

  constructor(intermediates: readonly Certificate[], authorities: readonly Certificate[]) {
    this.#intermediates = intermediates;
    this.#authorities = authorities;
  }

  /** Returns the time at which the chain of a certificate ends; `undefined` if there is no chain. @param below certificates below it. */
  find(certificate: Certificate, below: readonly Certificate[]): number | undefined {
    const end = certificate.native.validToDate.getTime();
    const chain = [...below, certificate];
    for (const authority of this.#authorities) {
      if (this.#isIssuer(authority, chain)) return Math.min(end, authority.native.validToDate.getTime());
    }
    if (chain.length + 1 >= maxChainLength) return undefined;
    for (const next of this.#intermediates) {
      if (chain.includes(next) || !this.#isIssuer(next, chain)) continue;
      const ofIssuer = this.find(next, chain);
      if (ofIssuer !== undefined) return Math.min(end, ofIssuer);
    }
    return undefined;
  }

  /** Reports whether a certificate may issue the last one of a chain, and has signed it. */
  #isIssuer(issuer: Certificate, chain: readonly Certificate[]): boolean {
    const last = chain.at(-1);
    if (!last?.native.checkIssued(issuer.native) || this.#signatures >= maxSignatures) return false;
    this.#signatures += 1;
    if (!last.native.verify(issuer.native.publicKey)) return false;
    const fault = authorityFault(issuer) ?? timeFault(issuer) ?? lengthFault(issuer, chain);
    if (fault) this.fault = `was issued by a certificate that ${fault}`;
    return !fault;
  }
}

function timeFault({ native: { validFromDate, validToDate } }: Certificate): string | undefined {
  const now = Date.now();
  if (now >= validToDate.getTime()) return `expired at ${validToDate.toISOString()}`;
  return now + clockTolerance < validFromDate.getTime() ? `is valid from ${validFromDate.toISOString()}` : undefined;
}

/** @param chain certificates below the issuer, the client's first, which doesn't count. */
function lengthFault({ parsed }: Certificate, chain: readonly Certificate[]): string | undefined {
  const { pathLength } = parsed.getExtension(BasicConstraintsExtension) ?? {};
  const isTooLong = pathLength !== undefined && chain.length - 1 > pathLength;
  return isTooLong ? `allows at most ${pathLength} CAs below it` : undefined;
}

/** Returns the reason why a certificate can't be relied on, whoever issued it. */
function weakness({ native, parsed }: Certificate): string | undefined {
  const unknown = parsed.extensions.find(({ critical, type }) => critical && !knownExtensions.has(type));
  if (unknown) return `has the critical extension ${unknown.type}, which Kplug doesn't check`;
  const { asymmetricKeyType, asymmetricKeyDetails } = native.publicKey;
  const { modulusLength } = asymmetricKeyDetails ?? {};
  if (asymmetricKeyType === 'dsa' || (modulusLength !== undefined && modulusLength < 2_048)) return 'has a weak key';
  const { hash } = parsed.signatureAlgorithm as { hash?: { name?: string } };
  return hash?.name !== undefined && /^(MD5|SHA-1)$/i.test(hash.name) ? `is signed with ${hash.name}` : undefined;
}

function refused(fault: string): Error {
  return unauthenticated(`the client certificate ${fault}`);
}
