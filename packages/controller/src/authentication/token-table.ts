import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { hashToken, type TokenEntry } from './token-file.ts';

/** Token that was found in a table. */
export interface FoundToken {
  entry: TokenEntry;
  /** Expiry, in RFC 3339; missing for a token that never expires. */
  expires?: string | undefined;
  /** True for a token that a rotation replaced. */
  isPrevious: boolean;
}

/** Token of a table, with its hash. */
interface KnownToken {
  found: FoundToken;
  hash: Buffer;
}

/**
 * Tokens of a file, found in constant time: neither the number of tokens nor a partial match changes it. Hashes are indexed by a keyed
 * digest whose key never leaves this process, so that nobody can choose where in the index a token is looked for.
 */
export class TokenTable {
  /** Number of entries. */
  readonly size: number;
  readonly #key = randomBytes(32);
  readonly #tokens: ReadonlyMap<string, KnownToken>;

  constructor(entries: readonly TokenEntry[]) {
    const known = entries.flatMap((entry) => {
      const { hash, expires, previous } = entry;
      const former = previous && { hash: previous.hash, found: { entry, expires: previous.expires, isPrevious: true } };
      return [{ hash, found: { entry, expires, isPrevious: false } }, ...(former ? [former] : [])];
    });
    this.#tokens = new Map(known.map(({ hash, found }) => [this.#indexOf(hash), { found, hash: Buffer.from(hash) }]));
    this.size = entries.length;
  }

  /** Finds a token, whether it has expired or not. Returns `undefined` for an unknown one. */
  find(token: string): FoundToken | undefined {
    const hash = hashToken(token);
    const known = this.#tokens.get(this.#indexOf(hash));
    return known && timingSafeEqual(known.hash, Buffer.from(hash)) ? known.found : undefined;
  }

  #indexOf(hash: string): string {
    return createHmac('sha256', this.#key).update(hash).digest('base64');
  }
}
