import type { X509Certificate } from 'node:crypto';
import type { Logger } from 'pino';
import { messageOf } from '../errors.ts';
import { limits } from '../limits/limits.ts';
import { type WorkOutcome, WorkQueue } from '../queue/work-queue.ts';
import type { CertificateReader, CertificateStore } from '../resources/services/certificate-store.ts';
import type { CertificateExpiry, CertificateObserver, CertificateSource } from './certificate-source.ts';
import { checkGiven, type GivenCertificate, isTrusted } from './check-given.ts';
import type { ServerNames } from './issue-certificate.ts';
import {
  formatCertificates,
  isSameCertificate,
  isValidAt,
  type KeyPair,
  readCertificates,
  validityOf,
} from './read-certificate.ts';
import { SourceState } from './source-state.ts';

const { checkInterval, initialBackOff, maxBackOff, publicationTime, maxAuthorities } = limits.certificates;

/** Parts and options of given certificates. */
export interface GivenCertificatesOptions {
  reader: CertificateReader;
  /** Publishes the CA bundle; missing where plugins receive it in another way. */
  publisher?: Pick<CertificateStore, 'publish'> | undefined;
  /** Names that the certificate must have. */
  names: ServerNames;
  log: Logger;
  observer?: CertificateObserver;
  /** Wall clock, in milliseconds since the epoch. */
  now?: () => number;
  /** Interval of checks for a renewal, in milliseconds. Default one minute. */
  interval?: number;
}

/**
 * A certificate that another program makes and renews, such as cert-manager, for the heartbeat port and for calls of plugins. It is loaded
 * again when it changes. One of another CA is used only when the bundle with that CA has been published for long enough.
 */
export class GivenCertificates implements CertificateSource {
  readonly #options: GivenCertificatesOptions;
  readonly #now: () => number;
  readonly #interval: number;
  readonly #state = new SourceState();
  readonly #checks: WorkQueue<'check'>;
  /** CAs in the published bundle. */
  #authorities: readonly X509Certificate[] = [];
  /** Certificate that waits until its CA is published for long enough. */
  #pending: { cert: string; publishedAt: number } | undefined;
  #lastFailure = '';

  constructor(options: GivenCertificatesOptions) {
    const { now = Date.now, interval = checkInterval } = options;
    this.#options = options;
    this.#now = now;
    this.#interval = interval;
    this.#checks = new WorkQueue({
      backOff: { initial: Math.min(initialBackOff, interval), max: Math.min(maxBackOff, interval) },
      work: () => this.#checkAgain(),
    });
  }

  async start(): Promise<void> {
    await this.check();
    this.#checks.addAfter('check', this.#interval);
  }

  async stop(): Promise<void> {
    await this.#checks.close();
  }

  /** Reads the certificate, and uses it if it changed. Rejects when it can't be used; the former one stays in use. Calls must not overlap. */
  async check(): Promise<void> {
    const given = await this.#read();
    const now = this.#now();
    this.#authorities = merge(given.authorities, this.#authorities, now);
    await this.#publish();
    if (this.#mayUse(given, now)) this.#use(given);
  }

  current(): KeyPair {
    return this.#state.current();
  }

  caller(): KeyPair {
    return this.#state.caller();
  }

  caBundle(): string {
    return this.#state.caBundle();
  }

  expiries(): CertificateExpiry[] {
    return this.#state.expiries();
  }

  subscribe(listener: () => void): () => void {
    return this.#state.subscribe(listener);
  }

  async #checkAgain(): Promise<WorkOutcome> {
    try {
      await this.check();
      this.#lastFailure = '';
      return { next: 'again', after: this.#interval };
    } catch (error) {
      const reason = messageOf(error);
      if (reason !== this.#lastFailure) {
        this.#lastFailure = reason;
        this.#options.log.error(`the certificate could not be renewed: ${reason}; the one in use stays; retrying`);
      }
      return { next: 'retry' };
    }
  }

  async #read(): Promise<GivenCertificate> {
    const { reader, names, observer } = this.#options;
    try {
      return checkGiven(await reader.read(), { place: reader.place, names, now: this.#now() });
    } catch (error) {
      observer?.failed('read');
      throw error;
    }
  }

  async #publish(): Promise<void> {
    const { publisher, observer, log } = this.#options;
    const bundle = formatCertificates(this.#authorities);
    try {
      if ((await publisher?.publish(async () => bundle)) === 'published') log.info('the CA bundle was published');
    } catch (error) {
      observer?.failed('publish');
      throw error;
    }
  }

  /** Decides whether a certificate may be used now: plugins must trust its CA by now, unless the one in use has expired. */
  #mayUse(given: GivenCertificate, now: number): boolean {
    const { inUse } = this.#state;
    const { cert } = given.pair;
    const [leaf] = inUse ? readCertificates(inUse.server.cert) : [];
    if (!inUse || !leaf || cert === inUse.server.cert || !isValidAt(validityOf(leaf), now)) return true;
    if (isTrusted(readCertificates(cert), readCertificates(inUse.caBundle))) return true;
    if (this.#pending?.cert !== cert) {
      this.#pending = { cert, publishedAt: now };
      this.#options.log.info('the renewed certificate has another CA; it is used when that has reached all plugins');
    }
    return now >= this.#pending.publishedAt + publicationTime;
  }

  #use(given: GivenCertificate): void {
    this.#pending = undefined;
    const { pair, authorities } = given;
    const caBundle = formatCertificates(this.#authorities);
    const changed = this.#state.use({ server: pair, caller: pair, caBundle, authority: authorities[0] });
    if (changed.length === 0) return;
    for (const certificate of changed) this.#options.observer?.renewed(certificate);
    const [leaf] = readCertificates(pair.cert);
    this.#options.log.info(
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
