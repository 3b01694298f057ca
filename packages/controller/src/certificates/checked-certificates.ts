import type { Logger } from 'pino';
import { messageOf } from '../errors.ts';
import { limits } from '../limits/limits.ts';
import { type WorkOutcome, WorkQueue } from '../queue/work-queue.ts';
import type { CertificateExpiry, CertificateSource } from './certificate-source.ts';
import type { KeyPair } from './read-certificate.ts';
import { SourceState } from './source-state.ts';

const { checkInterval, initialBackOff, maxBackOff } = limits.certificates;

/** Options of the checks of certificates. */
export interface CheckOptions {
  log: Logger;
  /** Wall clock, in milliseconds since the epoch. */
  now?: () => number;
  /** Interval of checks, in milliseconds. Default one minute. */
  interval?: number;
}

/** Certificates that are checked at intervals, and replaced when it is time. */
export abstract class CheckedCertificates implements CertificateSource {
  protected readonly log: Logger;
  protected readonly now: () => number;
  protected readonly state = new SourceState();
  readonly #interval: number;
  readonly #checks: WorkQueue<'check'>;
  readonly #failure: string;
  #lastReason = '';

  /** @param failure beginning of the log line about a failed check, such as `the certificates could not be checked`. */
  constructor({ log, now = Date.now, interval = checkInterval }: CheckOptions, failure: string) {
    this.log = log;
    this.now = now;
    this.#interval = interval;
    this.#failure = failure;
    this.#checks = new WorkQueue({
      backOff: { initial: Math.min(initialBackOff, interval), max: Math.min(maxBackOff, interval) },
      work: () => this.#checkAgain(),
    });
  }

  /** Checks the certificates, and returns the time of the next step, at most. Calls must not overlap. */
  abstract check(): Promise<number>;

  async start(): Promise<void> {
    this.#checks.addAfter('check', this.#delayUntil(await this.check()));
  }

  async stop(): Promise<void> {
    await this.#checks.close();
  }

  current(): KeyPair {
    return this.state.current();
  }

  caller(): KeyPair {
    return this.state.caller();
  }

  caBundle(): string {
    return this.state.caBundle();
  }

  expiries(): CertificateExpiry[] {
    return this.state.expiries();
  }

  subscribe(listener: () => void): () => void {
    return this.state.subscribe(listener);
  }

  async #checkAgain(): Promise<WorkOutcome> {
    try {
      const until = await this.check();
      this.#lastReason = '';
      return { next: 'again', after: this.#delayUntil(until) };
    } catch (error) {
      const reason = messageOf(error);
      if (reason !== this.#lastReason) this.log.error(`${this.#failure}: ${reason}; the ones in use stay; retrying`);
      this.#lastReason = reason;
      return { next: 'retry' };
    }
  }

  #delayUntil(time: number): number {
    return Math.min(this.#interval, Math.max(0, time - this.now()));
  }
}
