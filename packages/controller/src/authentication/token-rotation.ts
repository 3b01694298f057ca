import { KplugError } from '../errors.ts';
import { limits } from '../limits/limits.ts';
import type { TokenEntry } from './token-file.ts';

const { maxPreviousTokens } = limits.authentication;

/** Replacement of a token. */
export interface TokenRotation {
  /** Name of the token. */
  name: string;
  /** Time for which the tokens that are replaced now, or were before, are still accepted, in milliseconds: at most until their expiry. */
  overlap: number;
  /** Expiry of the new token. Default: it lives as long as the replaced one. */
  expires?: Date;
}

/** Returns the entry with another token. Throws `Conflict` if too many tokens that were replaced are still accepted. */
export function rotateEntry(entry: TokenEntry, hash: string, { overlap, expires }: TokenRotation): TokenEntry {
  const now = Date.now();
  const end = now + overlap;
  const previous = [...(entry.previous ?? []), entry]
    .map(({ hash: replaced, expires: given }) => ({ hash: replaced, endsAt: earlier(given, end) }))
    .filter(({ endsAt }) => endsAt > now)
    .map(({ hash: replaced, endsAt }) => ({ hash: replaced, expires: new Date(endsAt).toISOString() }));
  if (previous.length > maxPreviousTokens) {
    const message = `${previous.length - 1} tokens that ${entry.name} replaced are still accepted, the first until ${previous[0]?.expires}; wait, or revoke it and create it again`;
    throw new KplugError('Conflict', message);
  }
  const next = expires?.toISOString() ?? lifetimeOf(entry, now);
  return {
    name: entry.name,
    hash,
    plugins: entry.plugins,
    created: new Date(now).toISOString(),
    ...(next !== undefined && { expires: next }),
    ...(previous.length > 0 && { previous }),
  };
}

/** Returns the end of the lifetime of an entry if it began now; `undefined` if it never ends. */
function lifetimeOf({ created, expires }: TokenEntry, now: number): string | undefined {
  if (expires === undefined) return undefined;
  return new Date(now + Date.parse(expires) - (created === undefined ? now : Date.parse(created))).toISOString();
}

function earlier(expires: string | undefined, end: number): number {
  return expires === undefined ? end : Math.min(Date.parse(expires), end);
}
