import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { hashToken, type TokenEntry } from './token-file.ts';

/** Token of a table, with its hash. */
interface KnownToken {
  entry: TokenEntry;
  hash: Buffer;
}

/**
 * Tokens of a file, found in constant time: neither the number of tokens nor a partial match changes it. Hashes are indexed by a keyed
 * digest whose key never leaves this process, so that nobody can choose where in the index a token is looked for.
 */
export class TokenTable {
  readonly #key = randomBytes(32);
  readonly #tokens: ReadonlyMap<string, KnownToken>;

  constructor(entries: readonly TokenEntry[]) {
    this.#tokens = new Map(
      entries.map((entry) => [this.#indexOf(entry.hash), { entry, hash: Buffer.from(entry.hash) }]),
    );
  }

  /** Number of tokens. */
  get size(): number {
    return this.#tokens.size;
  }

  /** Returns the entry of a token; `undefined` for an unknown one. */
  find(token: string): TokenEntry | undefined {
    const hash = hashToken(token);
    const known = this.#tokens.get(this.#indexOf(hash));
    return known && timingSafeEqual(known.hash, Buffer.from(hash)) ? known.entry : undefined;
  }

  #indexOf(hash: string): string {
    return createHmac('sha256', this.#key).update(hash).digest('base64');
  }
}
