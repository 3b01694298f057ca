import { hash } from 'node:crypto';
import { decodeJwt, decodeProtectedHeader, type JWTPayload } from 'jose';
import { KiB } from '../limits/limit.ts';
import { limits } from '../limits/limits.ts';
import { unauthenticated } from './refusals.ts';

const { maxTokenSize } = limits.authentication;

/**
 * Claims of a JWT that wasn't verified. Whoever sends it can write anything there, so they are only used to refuse a token early, to
 * choose the authenticator, and as an additional bound of its validity.
 */
export interface UnverifiedClaims {
  /** Algorithm of the signature; `none` without one. */
  algorithm: string;
  issuer: string | undefined;
  audiences: readonly string[];
  subject: string | undefined;
  /** Expiry, in milliseconds since the epoch. */
  expiresAt: number | undefined;
}

/** Returns the key of a token in caches. */
export function digestOf(token: string): string {
  return hash('sha256', token, 'base64');
}

/** Throws `RefusedRegistration` for a token that is too large to be looked at. */
export function refuseLargeToken(token: string): void {
  if (token.length <= maxTokenSize) return;
  throw unauthenticated(`the token has ${token.length} characters; at most ${maxTokenSize / KiB} KiB are accepted`);
}

/** Reads a JWT without verifying it; `undefined` for any other text. */
export function readUnverifiedClaims(token: string): UnverifiedClaims | undefined {
  if (!/^[\w-]+\.[\w-]+\.[\w-]*$/.test(token)) return undefined;
  try {
    const { alg } = decodeProtectedHeader(token);
    return { algorithm: typeof alg === 'string' ? alg : 'none', ...claimsOf(decodeJwt(token)) };
  } catch {
    // Any text may be sent as a token.
    return undefined;
  }
}

function claimsOf({ iss, aud, sub, exp }: JWTPayload): Omit<UnverifiedClaims, 'algorithm'> {
  return {
    issuer: typeof iss === 'string' ? iss : undefined,
    audiences: [aud].flat().filter((one) => typeof one === 'string'),
    subject: typeof sub === 'string' ? sub : undefined,
    expiresAt: typeof exp === 'number' ? exp * 1_000 : undefined,
  };
}
