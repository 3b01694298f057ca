import type { Logger } from 'pino';

/** Logs when something that proofs are checked with becomes unreachable, and when it is reachable again; once each. */
export class OutageLog {
  readonly #logger: Logger;
  readonly #subject: string;
  #message: string | undefined;

  /** @param subject what is unreachable, as the start of a message. */
  constructor(logger: Logger, subject: string) {
    this.#logger = logger;
    this.#subject = subject;
  }

  failed(message: string): void {
    if (this.#message === message) return;
    this.#message = message;
    this.#logger.warn(`${this.#subject} fail, so unknown plugins are refused: ${message}`);
  }

  succeeded(): void {
    if (this.#message === undefined) return;
    this.#message = undefined;
    this.#logger.info(`${this.#subject} succeed again`);
  }
}
