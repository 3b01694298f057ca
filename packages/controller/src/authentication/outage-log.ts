import type { Logger } from 'pino';
import { limits } from '../limits/limits.ts';
import { currentMoment, elapsedSince, type Moment } from './elapsed.ts';

/** Shortest time between two log lines about one outage, whose message may change with each attempt. */
const { outageLogInterval } = limits.authentication;

/** Logs when something that proofs are checked with becomes unreachable, and when it is reachable again. */
export class OutageLog {
  readonly #logger: Logger;
  readonly #subject: string;
  #logged: { message: string; at: Moment } | undefined;

  /** @param subject what is unreachable, as the start of a message. */
  constructor(logger: Logger, subject: string) {
    this.#logger = logger;
    this.#subject = subject;
  }

  failed(message: string): void {
    const { at, message: former } = this.#logged ?? {};
    if (at && (message === former || elapsedSince(at) < outageLogInterval)) return;
    this.#logged = { message, at: currentMoment() };
    this.#logger.warn(`${this.#subject} fail, so unknown plugins are refused: ${message}`);
  }

  succeeded(): void {
    if (!this.#logged) return;
    this.#logged = undefined;
    this.#logger.info(`${this.#subject} succeed again`);
  }
}
