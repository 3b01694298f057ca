import type { Logger } from 'pino';
import { KplugError } from '../errors.ts';
import { limits } from '../limits/limits.ts';
import type { Identity } from '../registry/identity.ts';
import type { RefusedRegistration } from '../registry/refusal.ts';
import type { ReviewedToken, TokenReviewer } from '../resources/cluster-services.ts';
import type { Authenticator, Credentials, Proof } from './authenticator.ts';
import { OutageLog } from './outage-log.ts';
import { type Check, type CheckedIdentity, ProofCache } from './proof-cache.ts';
import { quote, tryAgain, unauthenticated } from './refusals.ts';
import { digestOf, readUnverifiedClaims, refuseLargeToken, type UnverifiedClaims } from './token-text.ts';

/** Audience of the tokens that plugins send. */
export const defaultAudience = 'kplug';

const accountPrefix = 'system:serviceaccount:';
const advice = (audience: string) =>
  `mount a projected ServiceAccount token with the audience "${audience}", as the chart kplug-plugin does`;

/** Options of the authentication by TokenReviews. */
export interface TokenReviewOptions {
  reviewer: TokenReviewer;
  logger: Logger;
  /** Audience that tokens must be for. Default `kplug`. */
  audience?: string;
}

/**
 * Authenticates ServiceAccounts of a cluster by TokenReviews. A token is reviewed when it is first sent and then about once a minute
 * while it is used, so that it ends at most 60 seconds after its pod or its ServiceAccount was deleted. While the API server is
 * unreachable, tokens that it accepted before are accepted for five more minutes, and never after their expiry.
 */
export class TokenReviewAuthenticator implements Authenticator {
  readonly #reviewer: TokenReviewer;
  readonly #audience: string;
  readonly #outages: OutageLog;
  readonly #proofs = new ProofCache(limits.authentication.reviewInterval);

  constructor({ reviewer, logger, audience = defaultAudience }: TokenReviewOptions) {
    this.#reviewer = reviewer;
    this.#audience = audience;
    this.#outages = new OutageLog(logger, 'TokenReviews');
  }

  recall({ token }: Credentials): Proof | undefined {
    if (token === undefined) return undefined;
    refuseLargeToken(token);
    return this.#proofs.recall(digestOf(token), this.#checkOf(token));
  }

  async authenticate({ token = '' }: Credentials, peer = ''): Promise<Proof> {
    refuseLargeToken(token);
    const claims = this.#refuseEarly(token);
    return this.#proofs.prove(digestOf(token), this.#checkOf(token, claims), peer);
  }

  /** Refuses a token that the API server could only refuse, without a review. */
  #refuseEarly(token: string): UnverifiedClaims {
    const claims = readUnverifiedClaims(token);
    if (!claims) throw unauthenticated(`the token is not a ServiceAccount token; ${advice(this.#audience)}`);
    const { algorithm, audiences, subject, expiresAt } = claims;
    if (algorithm === 'none' || algorithm.startsWith('HS')) {
      throw unauthenticated(`the token's algorithm ${quote(algorithm)} is not accepted; ${advice(this.#audience)}`);
    }
    if (expiresAt !== undefined && expiresAt <= Date.now()) {
      const since = new Date(Math.max(0, expiresAt)).toISOString();
      throw unauthenticated(`the token expired at ${since}; read the token file again, as the kubelet renews it`);
    }
    if (!audiences.includes(this.#audience)) {
      const found = audiences.length > 0 ? `is for the audience ${quote(audiences.join(', '))}` : 'has no audience';
      throw unauthenticated(`the token ${found}; ${advice(this.#audience)}`);
    }
    if (!subject?.startsWith(accountPrefix)) throw this.#noAccount(subject ?? '');
    return claims;
  }

  #checkOf(token: string, claims?: UnverifiedClaims): Check {
    return async () => {
      const { expiresAt = Number.POSITIVE_INFINITY } = claims ?? this.#refuseEarly(token);
      return this.#identify(await this.#review(token), expiresAt);
    };
  }

  async #review(token: string): Promise<ReviewedToken> {
    try {
      const reviewed = await this.#reviewer.review(token, this.#audience);
      this.#outages.succeeded();
      return reviewed;
    } catch (error) {
      if (!(error instanceof KplugError)) throw error;
      this.#outages.failed(error.message);
      throw tryAgain("the operator can't review tokens now, as the API server is unreachable or refuses it");
    }
  }

  #identify(reviewed: ReviewedToken, endsAt: number): CheckedIdentity {
    if (!reviewed.authenticated) {
      const reason = reviewed.reason && `: ${quote(reviewed.reason)}`;
      throw unauthenticated(
        `the API server doesn't accept the token${reason}; the pod or ServiceAccount may have been deleted, or the token is of another cluster`,
      );
    }
    const { user, pod, audiences } = reviewed;
    // An API server whose authenticator knows no audiences has only verified that the token is for the API server itself.
    if (!audiences.includes(this.#audience)) {
      throw unauthenticated(`the API server didn't confirm the audience of the token; ${advice(this.#audience)}`);
    }
    return { identity: this.#accountOf(user, pod), endsAt };
  }

  #accountOf(user: string, pod: { name: string; uid: string } | undefined): Identity {
    const [namespace, name, ...rest] = user.startsWith(accountPrefix)
      ? user.slice(accountPrefix.length).split(':')
      : [];
    if (!namespace || !name || rest.length > 0) throw this.#noAccount(user);
    return { kind: 'serviceaccount', namespace, name, ...(pod && { pod }) };
  }

  #noAccount(user: string): RefusedRegistration {
    return unauthenticated(`the token of ${quote(user)} is not that of a ServiceAccount; ${advice(this.#audience)}`);
  }
}
