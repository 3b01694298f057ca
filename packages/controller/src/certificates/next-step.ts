import { limits } from '../limits/limits.ts';
import type { LeafUse } from './issue-certificate.ts';
import type { Validity } from './read-certificate.ts';

const { renewalJitter, publicationTime } = limits.certificates;

/** Certificate, as far as the decision on the next step depends on it. */
export interface CertificateFacts extends Validity {
  /** Different for each certificate; hexadecimal. */
  serial: string;
}

/** Certificates of the operator, as far as the decision on the next step depends on them. */
export interface Facts {
  /** All CAs in the published bundle. */
  authorities: readonly CertificateFacts[];
  /** Serial of the CA that signs. */
  signing: string;
  /** CA that will sign next, with the time of its publication once it is published. */
  next?: { serial: string; publishedAt?: number | undefined } | undefined;
  /** Certificates in use, each with the serial of its CA; missing for one that can't be used. */
  leaves: Partial<Record<LeafUse, CertificateFacts & { issuer: string }>>;
  /** Renewal that a user requested before its time. The step that does it ends the request. */
  requested?: RenewalRequest | undefined;
}

/** Renewal that a user requests: of the CA with all that it signs, or of the certificates in use. */
export type RenewalRequest = 'ca' | 'certificates';

/**
 * Next step.
 *
 * - `create`: makes a CA that signs now, and both certificates. Nothing exists, or what exists has expired.
 * - `prepare`: makes the CA that will sign next, and adds it to the bundle.
 * - `publish`: publishes the bundle, and notes the time.
 * - `promote`: makes both certificates by the next CA, which signs from now on.
 * - `issue`: makes certificates by the CA that signs.
 * - `prune`: removes expired CAs from the bundle.
 * - `wait`: nothing to do until a time, in milliseconds since the epoch.
 */
export type Step =
  | { do: 'create' | 'prepare' | 'publish' | 'promote' | 'prune' }
  | { do: 'issue'; uses: readonly LeafUse[] }
  | { do: 'wait'; until: number };

const uses: readonly LeafUse[] = ['server', 'caller'];

/**
 * Decides on the next step. A new CA signs only when its bundle has been published for long enough to reach all plugins, and the old CA
 * stays in the bundle until it expires. So at every time, both a plugin with the current bundle and one with a bundle of up to 10 minutes
 * ago verify the certificates in use.
 */
export function nextStep(facts: Facts | undefined, now: number): Step {
  const signing = facts && find(facts, facts.signing);
  if (!facts || !signing) return { do: 'create' };
  const next = nextOf(facts, now);
  if (hasExpired(signing, now)) return { do: next ? 'promote' : 'create' };
  if (next && Number.isNaN(next.publishedAt)) return { do: 'publish' };
  if (next && next.publishedAt + publicationTime <= now) return { do: 'promote' };
  const due = uses.filter((use) => isDue(facts, use, signing, now));
  if (due.length > 0) return { do: 'issue', uses: due };
  if (needsAnotherAuthority(facts, signing, now)) return { do: 'prepare' };
  if (facts.authorities.some(({ notAfter }) => notAfter <= now)) return { do: 'prune' };
  const times = [
    next ? next.publishedAt + publicationTime : renewalOf(signing),
    ...uses.map((use) => dueTimeOf(facts.leaves[use], signing)),
    ...facts.authorities.map(({ notAfter }) => notAfter),
  ];
  return { do: 'wait', until: Math.min(...times.filter((time) => time > now)) };
}

/** Returns the time of the publication of the CA that will sign next, `NaN` before it; `undefined` if there is no valid one. */
function nextOf(facts: Facts, now: number): { publishedAt: number } | undefined {
  const next = facts.next && find(facts, facts.next.serial);
  if (!next || hasExpired(next, now)) return undefined;
  return { publishedAt: facts.next?.publishedAt ?? Number.NaN };
}

/** Time at which a certificate is renewed: after two thirds of its lifetime, or up to a twentieth earlier. Depends on its serial. */
export function renewalOf({ notBefore, notAfter, serial }: CertificateFacts): number {
  const jitter = (Number.parseInt(serial.slice(-6), 16) / 0xff_ff_ff) * (renewalJitter / 100);
  return notBefore + Math.floor((notAfter - notBefore) * (2 / 3 - jitter));
}

function isDue({ leaves, requested }: Facts, use: LeafUse, signing: CertificateFacts, now: number): boolean {
  const leaf = leaves[use];
  if (requested === 'certificates') return true;
  if (leaf?.issuer !== signing.serial || hasExpired(leaf, now)) return true;
  return dueTimeOf(leaf, signing) <= now;
}

/** A request replaces even a CA that doesn't sign yet. */
function needsAnotherAuthority(facts: Facts, signing: CertificateFacts, now: number): boolean {
  return facts.requested === 'ca' || (!nextOf(facts, now) && renewalOf(signing) <= now);
}

/** A certificate that ends with its CA isn't renewed by the same CA, as the new one would end at the same time. */
function dueTimeOf(leaf: Facts['leaves'][LeafUse], signing: CertificateFacts): number {
  return leaf && leaf.notAfter < signing.notAfter ? renewalOf(leaf) : signing.notAfter;
}

/** A certificate of the future counts as valid: one replica whose clock is slow must not replace the CA of all. */
function hasExpired({ notAfter }: Validity, now: number): boolean {
  return notAfter <= now;
}

function find({ authorities }: Facts, serial: string): CertificateFacts | undefined {
  return authorities.find((authority) => authority.serial === serial);
}
