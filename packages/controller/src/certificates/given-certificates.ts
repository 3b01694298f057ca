import type { X509Certificate } from 'node:crypto';
import { limits } from '../limits/limits.ts';
import type { CertificateReader, CertificateStore } from '../resources/services/certificate-store.ts';
import type { CertificateObserver } from './certificate-source.ts';
import { checkGiven, type GivenCertificate, isTrusted } from './check-given.ts';
import { CheckedCertificates, type CheckOptions } from './checked-certificates.ts';
import type { ServerNames } from './issue-certificate.ts';
import { formatCertificates, isSameCertificate, isValidAt, readCertificates, validityOf } from './read-certificate.ts';

const { publicationTime, maxAuthorities } = limits.certificates;

/** Parts and options of given certificates. */
export interface GivenCertificatesOptions extends CheckOptions {
  reader: CertificateReader;
  /** Publishes the CA bundle; missing where plugins receive it in another way. */
  publisher?: Pick<CertificateStore, 'publish'> | undefined;
  /** Names that the certificate must have. */
  names: ServerNames;
  observer?: CertificateObserver;
}

/**
 * A certificate that another program makes and renews, such as cert-manager, for the heartbeat port and for calls of plugins. It is loaded
 * again when it changes. One of another CA is used only when the bundle with that CA has been published for long enough.
 */
export class GivenCertificates extends CheckedCertificates {
  readonly #options: GivenCertificatesOptions;
  /** CAs in the published bundle. */
  #authorities: readonly X509Certificate[] = [];
  /** Certificate that waits until its CA is published for long enough. */
  #pending: { cert: string; publishedAt: number } | undefined;

  constructor(options: GivenCertificatesOptions) {
    super(options, 'the certificate could not be renewed');
    this.#options = options;
  }

  /** Reads the certificate, and uses it if it changed. Rejects when it can't be used; the former one stays in use. Calls must not overlap. */
  async check(): Promise<number> {
    const given = await this.#read();
    const now = this.now();
    this.#authorities = merge(given.authorities, this.#authorities, now);
    await this.#publish();
    if (this.#mayUse(given, now)) this.#use(given);
    return Number.POSITIVE_INFINITY;
  }

  async #read(): Promise<GivenCertificate> {
    const { reader, names, observer } = this.#options;
    try {
      return checkGiven(await reader.read(), { place: reader.place, names, now: this.now() });
    } catch (error) {
      observer?.failed('read');
      throw error;
    }
  }

  async #publish(): Promise<void> {
    const { publisher, observer } = this.#options;
    const bundle = formatCertificates(this.#authorities);
    try {
      if ((await publisher?.publish(async () => bundle)) === 'published') this.log.info('the CA bundle was published');
    } catch (error) {
      observer?.failed('publish');
      throw error;
    }
  }

  /** Decides whether a certificate may be used now: plugins must trust its CA by now, unless the one in use has expired. */
  #mayUse(given: GivenCertificate, now: number): boolean {
    const { inUse } = this.state;
    const { cert } = given.pair;
    const [leaf] = inUse ? readCertificates(inUse.server.cert) : [];
    if (!inUse || !leaf || cert === inUse.server.cert || !isValidAt(validityOf(leaf), now)) return true;
    if (isTrusted(readCertificates(cert), readCertificates(inUse.caBundle))) return true;
    if (this.#pending?.cert !== cert) {
      this.#pending = { cert, publishedAt: now };
      this.log.info('the renewed certificate has another CA; it is used when that has reached all plugins');
    }
    return now >= this.#pending.publishedAt + publicationTime;
  }

  #use(given: GivenCertificate): void {
    this.#pending = undefined;
    const { pair, authorities } = given;
    const caBundle = formatCertificates(this.#authorities);
    const changed = this.state.use({ server: pair, caller: pair, caBundle, authority: authorities[0] });
    if (changed.length === 0) return;
    for (const certificate of changed) this.#options.observer?.renewed(certificate);
    const [leaf] = readCertificates(pair.cert);
    this.log.info(
      { place: this.#options.reader.place, expires: leaf?.validToDate.toISOString() },
      'using a new certificate',
    );
  }
}

/** Adds CAs to those known before. Drops those that have expired. */
function merge(
  given: readonly X509Certificate[],
  known: readonly X509Certificate[],
  now: number,
): readonly X509Certificate[] {
  const former = known.filter(
    (one) => validityOf(one).notAfter > now && !given.some((other) => isSameCertificate(one, other)),
  );
  return [...given, ...former].slice(0, maxAuthorities);
}
