import { RefusalReason } from '@kplug/protocol';
import { limits } from '../limits/limits.ts';
import { RefusedRegistration } from '../registry/refusal.ts';

const { maxQuotedLength } = limits.authentication;

/** Returns the refusal of invalid credentials. */
export function unauthenticated(message: string): RefusedRegistration {
  return new RefusedRegistration(RefusalReason.UNAUTHENTICATED, message);
}

/** Returns the refusal of credentials that can't be checked now. */
export function tryAgain(message: string): RefusedRegistration {
  return new RefusedRegistration(RefusalReason.CAPACITY, `${message}; try again`);
}

/** Quotes a text that a caller chose: shortened, without control and format characters. */
export function quote(text: string): string {
  const clean = text.slice(0, maxQuotedLength).replaceAll(/\p{C}/gu, '�');
  return `"${clean}${text.length > maxQuotedLength ? '…' : ''}"`;
}
