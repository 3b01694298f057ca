import { messageOf } from '@kplug/protocol';
import type { Logger } from 'pino';
import { limits } from '../limits.ts';
import { WatchedFile } from './watched-file.ts';

/** Token of a plugin, given or in a file. While a changed file is malformed, the last valid token stays in use. */
export class TokenSource {
  readonly #file: WatchedFile | undefined;
  readonly #log: Logger;
  #token: string | undefined;
  #problem = '';

  constructor({ token, tokenFile }: { token?: string; tokenFile?: string }, log: Logger) {
    this.#token = token;
    const { maxTokenSize } = limits.security;
    if (tokenFile) this.#file = new WatchedFile(tokenFile, 'token file (KPLUG_TOKEN_FILE)', maxTokenSize);
    this.#log = log;
  }

  /** Reports whether there is, or will be, a token. */
  get isNeeded(): boolean {
    return this.#file !== undefined || this.#token !== undefined;
  }

  /** Reads the token. Returns `undefined` if there is none, or not yet. */
  current(): string | undefined {
    if (!this.#file) return this.#token;
    try {
      const text = String(this.#file.read()).trim();
      // Anything else can't be sent as metadata. The text is a secret, so that no message has it.
      if (!/^[\x21-\x7e]+$/.test(text)) throw new Error('the token file (KPLUG_TOKEN_FILE) has no token');
      this.#token = text;
      this.#problem = '';
    } catch (error) {
      this.#report(messageOf(error));
    }
    return this.#token;
  }

  /** Logs a problem once. */
  #report(problem: string): void {
    if (problem === this.#problem) return;
    this.#problem = problem;
    const consequence = this.#token ? 'using the previous token' : 'the plugin registers as soon as it is there';
    this.#log.warn(`${problem}; ${consequence}`);
  }
}
