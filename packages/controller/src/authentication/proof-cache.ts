import { RefusalReason } from '@kplug/protocol';
import { limits } from '../limits/limits.ts';
import type { Identity } from '../registry/identity.ts';
import { RefusedRegistration } from '../registry/refusal.ts';
import type { Proof } from './authenticator.ts';
import { BoundedMap } from './bounded-map.ts';
import { CheckLimits } from './check-limits.ts';
import { currentMoment, elapsedSince, type Moment } from './elapsed.ts';

const {
  maxProofs,
  maxRefusals,
  refusalRetention,
  maxIntervalJitter,
  renewalTime,
  outageGracePeriod,
  outageRetryInterval,
} = limits.authentication;

/** Identity that a check found. */
export interface CheckedIdentity {
  identity: Identity;
  /** End of the credentials, in milliseconds since the epoch. They are never accepted after it. */
  endsAt: number;
}

/** Checks credentials. Rejects with `RefusedRegistration`, as `Authenticator.authenticate` does. */
export type Check = () => Promise<CheckedIdentity>;

interface KnownProof extends CheckedIdentity {
  checkedAt: Moment;
  recalledAt: Moment;
  /** Time for which the check counts, in milliseconds. */
  interval: number;
  /** Last time that a later check couldn't be made. */
  failedAt?: Moment;
}

interface KnownRefusal {
  refusal: RefusedRegistration;
  since: Moment;
}

/**
 * Results of checks, by a digest of the credentials: the credentials themselves are never kept. A proof counts for an interval, and is
 * renewed in the background by the calls that recall it. If it can't be renewed because the check fails for another reason than the
 * credentials, it is accepted for a grace period. Concurrent checks of the same credentials are one check.
 */
export class ProofCache {
  readonly #interval: number;
  readonly #limits: CheckLimits;
  readonly #proofs = new BoundedMap<string, KnownProof>(maxProofs);
  readonly #refusals = new BoundedMap<string, KnownRefusal>(maxRefusals);
  readonly #running = new Map<string, Promise<KnownProof>>();

  /** @param interval time for which a check counts, in milliseconds. */
  constructor(interval: number, checkLimits = new CheckLimits()) {
    this.#interval = interval;
    this.#limits = checkLimits;
  }

  /** Number of proofs and refusals in memory. */
  get size(): number {
    return this.#proofs.size + this.#refusals.size;
  }

  /** Returns a known proof, and renews it if it would end before the next call. Throws a known refusal. */
  recall(digest: string, check: Check): Proof | undefined {
    this.#throwKnownRefusal(digest);
    const known = this.#proofs.get(digest);
    if (!known) return undefined;
    if (Date.now() >= known.endsAt) {
      this.#proofs.delete(digest);
      return undefined;
    }
    const pause = elapsedSince(known.recalledAt);
    known.recalledAt = currentMoment();
    if (elapsedSince(known.checkedAt) + pause + renewalTime >= known.interval) this.#renew(digest, known, check);
    return proofOf(known);
  }

  /** Returns a known proof, or checks the credentials. */
  async prove(digest: string, check: Check, peer: string): Promise<Proof> {
    const recalled = this.recall(digest, check);
    if (recalled) return recalled;
    try {
      return toProof(await (this.#running.get(digest) ?? this.#checkCharged(digest, check, peer)));
    } catch (error) {
      // The check failed, and the proof is in its grace period.
      const known = isInvalid(error) ? undefined : this.#proofs.get(digest);
      const proof = known && proofOf(known);
      if (proof) return proof;
      throw error;
    }
  }

  #throwKnownRefusal(digest: string): void {
    const known = this.#refusals.get(digest);
    if (!known) return;
    if (elapsedSince(known.since) < refusalRetention) throw known.refusal;
    this.#refusals.delete(digest);
  }

  #renew(digest: string, { failedAt }: KnownProof, check: Check): void {
    if (this.#running.has(digest) || (failedAt && elapsedSince(failedAt) < outageRetryInterval)) return;
    // The result is in the cache: the next call gets a new proof, a refusal, or the proof of the grace period.
    this.#check(digest, check).catch(() => undefined);
  }

  /** Checks credentials within the limits. Those that were accepted before aren't limited. */
  async #checkCharged(digest: string, check: Check, peer: string): Promise<KnownProof> {
    if (this.#proofs.get(digest)) return this.#check(digest, check);
    const settle = this.#limits.charge(peer);
    try {
      const proof = await this.#check(digest, check);
      settle('proven');
      return proof;
    } catch (error) {
      settle(isInvalid(error) ? 'invalid' : 'unavailable');
      throw error;
    }
  }

  #check(digest: string, check: Check): Promise<KnownProof> {
    const running = this.#checkNow(digest, check).finally(() => this.#running.delete(digest));
    this.#running.set(digest, running);
    return running;
  }

  async #checkNow(digest: string, check: Check): Promise<KnownProof> {
    // A revocation that happens during the check may or may not be in its result.
    const checkedAt = currentMoment();
    try {
      const checked = await check();
      const interval = this.#interval - Math.random() * maxIntervalJitter;
      const known = { ...checked, checkedAt, recalledAt: checkedAt, interval };
      this.#proofs.set(digest, known);
      return known;
    } catch (error) {
      const known = this.#proofs.get(digest);
      if (isInvalid(error)) {
        this.#proofs.delete(digest);
        this.#refusals.set(digest, { refusal: error, since: currentMoment() });
      } else if (known) known.failedAt = currentMoment();
      throw error;
    }
  }
}

/** Returns a proof; `undefined` if it has ended. */
function proofOf(known: KnownProof): Proof | undefined {
  const { checkedAt, interval, failedAt, endsAt } = known;
  const age = elapsedSince(checkedAt);
  if (Date.now() >= endsAt) return undefined;
  if (age < interval) return toProof(known, interval - age);
  return failedAt && age < interval + outageGracePeriod ? toProof(known, outageRetryInterval) : undefined;
}

function toProof(
  { identity, endsAt, checkedAt, interval }: KnownProof,
  left = interval - elapsedSince(checkedAt),
): Proof {
  return { identity, validUntil: Math.min(endsAt, Date.now() + left) };
}

/** Reports whether a check found the credentials invalid. */
function isInvalid(error: unknown): error is RefusedRegistration {
  return error instanceof RefusedRegistration && error.reason === RefusalReason.UNAUTHENTICATED;
}
