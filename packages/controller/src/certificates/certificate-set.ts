import { X509Certificate } from 'node:crypto';
import { KplugError } from '../errors.ts';
import { limits } from '../limits/limits.ts';
import type { CertificateData } from '../resources/services/certificate-store.ts';
import { callerUri, issueAuthority, issueLeaf, type LeafUse, type ServerNames } from './issue-certificate.ts';
import type { Facts, RenewalRequest, Step } from './next-step.ts';
import {
  formatCertificates,
  isIssuedBy,
  isKeyOf,
  type KeyPair,
  keyUsages,
  namesOf,
  readCertificates,
  validityOf,
} from './read-certificate.ts';

const { maxAuthorities } = limits.certificates;

/** CA with its key. */
interface Authority {
  key: string;
  certificate: X509Certificate;
}

/** The operator's CA and certificates, as they are stored. */
export class CertificateSet {
  readonly #bundle: readonly X509Certificate[];
  readonly #signing: Authority | undefined;
  readonly #next: (Authority & { publishedAt: number | undefined }) | undefined;
  readonly #leaves: Partial<Record<LeafUse, KeyPair>>;
  readonly #requested: RenewalRequest | undefined;

  private constructor(
    bundle: readonly X509Certificate[],
    signing: Authority | undefined,
    next: (Authority & { publishedAt: number | undefined }) | undefined,
    leaves: Partial<Record<LeafUse, KeyPair>>,
    requested?: RenewalRequest,
  ) {
    this.#bundle = bundle;
    this.#signing = signing;
    this.#next = next;
    this.#leaves = leaves;
    this.#requested = requested;
  }

  static get none(): CertificateSet {
    return new CertificateSet([], undefined, undefined, {});
  }

  /**
   * Reads stored certificates. A certificate that can't be read is made again, as it is signed by the CA. Throws `InvalidConfiguration`
   * for a CA that can't be read: another CA would lock out all plugins, so it is not replaced.
   *
   * @param place place of the certificates, for people.
   */
  static read(data: CertificateData, place: string): CertificateSet {
    const bundle = readBundle(data['ca.crt'] ?? '', place);
    const signing = authorityOf(bundle, data['ca.key'] ?? '');
    if (!signing) throw unreadable(place, 'ca.key is not the key of a certificate in ca.crt');
    const next = authorityOf(bundle, data['next-ca.key'] ?? '');
    const publishedAt = Date.parse(data['next-ca.published'] ?? '');
    return new CertificateSet(
      bundle,
      signing,
      next && { ...next, publishedAt: Number.isNaN(publishedAt) ? undefined : publishedAt },
      { ...readLeaf(data, 'server'), ...readLeaf(data, 'caller') },
      readRequest(data.renew ?? '', place),
    );
  }

  /** CA bundle, as PEM. */
  get bundle(): string {
    return formatCertificates(this.#bundle);
  }

  /** Certificate for a use, with its key; `undefined` if there is no usable one. */
  leaf(use: LeafUse): KeyPair | undefined {
    return this.#leaves[use];
  }

  /** CA that signs now. */
  get authority(): X509Certificate | undefined {
    return this.#signing?.certificate;
  }

  /** Texts to store. */
  get data(): CertificateData {
    const { server, caller } = this.#leaves;
    return {
      'ca.crt': this.bundle,
      'ca.key': this.#signing?.key ?? '',
      ...(this.#next && { 'next-ca.key': this.#next.key }),
      ...(this.#next?.publishedAt !== undefined && {
        'next-ca.published': new Date(this.#next.publishedAt).toISOString(),
      }),
      ...(server && { 'server.crt': server.cert, 'server.key': server.key }),
      ...(caller && { 'caller.crt': caller.cert, 'caller.key': caller.key }),
    };
  }

  /** Returns what the next step depends on. A certificate for other names than those given counts as missing. */
  facts(names: ServerNames): Facts | undefined {
    if (!this.#signing) return undefined;
    const leaves: Facts['leaves'] = {};
    for (const use of ['server', 'caller'] as const) {
      const leaf = this.#leaves[use];
      const certificate = leaf && new X509Certificate(leaf.cert);
      const issuer = certificate && this.#bundle.find((one) => isIssuedBy(certificate, one));
      if (certificate && issuer && isFor(certificate, use, names))
        leaves[use] = { ...factsOf(certificate), issuer: issuer.serialNumber };
    }
    return {
      authorities: this.#bundle.map(factsOf),
      signing: this.#signing.certificate.serialNumber,
      next: this.#next && { serial: this.#next.certificate.serialNumber, publishedAt: this.#next.publishedAt },
      leaves,
      requested: this.#requested,
    };
  }

  /** Returns the certificates after a step. */
  async after(step: Exclude<Step, { do: 'wait' }>, names: ServerNames, now: number): Promise<CertificateSet> {
    const valid = this.#bundle.filter((certificate) => validityOf(certificate).notAfter > now).slice(-maxAuthorities);
    switch (step.do) {
      case 'create': {
        const signing = await makeAuthority(now);
        return new CertificateSet([...valid, signing.certificate], signing, undefined, {}).#issue(uses, names, now);
      }
      case 'prepare': {
        const next = { ...(await makeAuthority(now)), publishedAt: undefined };
        return new CertificateSet([...valid, next.certificate], this.#signing, next, this.#leaves);
      }
      case 'publish':
        return new CertificateSet(
          this.#bundle,
          this.#signing,
          this.#next && { ...this.#next, publishedAt: now },
          this.#leaves,
        );
      case 'promote':
        return new CertificateSet(valid, this.#next, undefined, {}).#issue(uses, names, now);
      case 'issue':
        return this.#issue(step.uses, names, now);
      case 'prune':
        return new CertificateSet(valid, this.#signing, this.#next, this.#leaves);
    }
  }

  async #issue(which: readonly LeafUse[], names: ServerNames, now: number): Promise<CertificateSet> {
    const signing = this.#signing;
    if (!signing) return this;
    const issuer = {
      key: signing.key,
      cert: signing.certificate.toString(),
      notAfter: validityOf(signing.certificate).notAfter,
    };
    const issued = await Promise.all(
      which.map(async (use) => [use, await issueLeaf(use, issuer, names, now)] as const),
    );
    const leaves = { ...this.#leaves, ...Object.fromEntries(issued) };
    return new CertificateSet(this.#bundle, signing, this.#next, leaves);
  }
}

const uses: readonly LeafUse[] = ['server', 'caller'];

/** Reads the field `renew`, which only users write. The next write of the certificates removes it. */
function readRequest(text: string, place: string): RenewalRequest | undefined {
  const request = text.trim();
  if (request === '' || request === 'ca' || request === 'certificates') return request || undefined;
  throw new KplugError(
    'InvalidConfiguration',
    `renew in ${place} is neither "ca" nor "certificates"; correct or remove it`,
  );
}

function readBundle(pem: string, place: string): X509Certificate[] {
  let bundle: X509Certificate[];
  try {
    bundle = readCertificates(pem);
  } catch {
    throw unreadable(place, 'ca.crt has a malformed certificate');
  }
  if (bundle.length === 0) throw unreadable(place, 'ca.crt has no certificate');
  // The signature covers all other bytes.
  if (bundle.some((one) => !isIssuedBy(one, one))) throw unreadable(place, 'ca.crt has a damaged certificate');
  if (bundle.some(({ ca }) => !ca)) throw unreadable(place, 'ca.crt has a certificate that is not one of a CA');
  return bundle;
}

function authorityOf(bundle: readonly X509Certificate[], key: string): Authority | undefined {
  const certificate = key ? bundle.find((one) => isKeyOf(key, one)) : undefined;
  return certificate && { key, certificate };
}

function readLeaf(data: CertificateData, use: LeafUse): Partial<Record<LeafUse, KeyPair>> {
  const { [`${use}.crt`]: cert = '', [`${use}.key`]: key = '' } = data;
  try {
    return isKeyOf(key, new X509Certificate(cert)) ? { [use]: { key, cert } } : {};
  } catch {
    // It is made again.
    return {};
  }
}

function isFor(certificate: X509Certificate, use: LeafUse, { dns, ips }: ServerNames): boolean {
  const names = namesOf(certificate);
  const usages: readonly string[] = certificate.keyUsage ?? [];
  if (use === 'caller') return usages.includes(keyUsages.clientAuth) && names.includes(`URI:${callerUri}`);
  return (
    usages.includes(keyUsages.serverAuth) &&
    dns.every((name) => names.includes(`DNS:${name}`)) &&
    ips.every((ip) => certificate.checkIP(ip) !== undefined)
  );
}

function factsOf(certificate: X509Certificate): Facts['authorities'][number] {
  return { ...validityOf(certificate), serial: certificate.serialNumber };
}

async function makeAuthority(now: number): Promise<Authority> {
  const { key, cert } = await issueAuthority(now);
  return { key, certificate: new X509Certificate(cert) };
}

function unreadable(place: string, problem: string): KplugError {
  const message =
    `The certificates in ${place} can't be used: ${problem}. Restore it from a backup. If there is none, stop all operators, delete it ` +
    'and start them: they make another CA, and plugins connect again when they have received its bundle.';
  return new KplugError('InvalidConfiguration', message);
}
