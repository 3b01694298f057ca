import { BoundedMap } from '../authentication/bounded-map.ts';
import { CheckLimits } from '../authentication/check-limits.ts';
import { quote } from '../authentication/refusals.ts';
import { digestOf, readUnverifiedClaims, refuseLargeToken } from '../authentication/token-text.ts';
import { limits } from '../limits/limits.ts';
import { RefusedRegistration } from '../registry/refusal.ts';
import type { AccessReviewer, TokenReviewer, UserRight } from '../resources/cluster-services.ts';
import type { Denial } from './deny-request.ts';

/** Decision on a request: the user who made it, or its denial. */
export type Decision = { user: string; denial?: never } | { user?: never; denial: Denial };

/** Right of a user, without its namespace. */
export type ReviewedRight = Pick<UserRight, 'group' | 'resource' | 'verb'>;

/** Parts that review users of the cluster. */
export interface Reviewers {
  tokens: Pick<TokenReviewer, 'review'>;
  access: Pick<AccessReviewer, 'allows'>;
  /** Namespace of the operator, in which users need the rights. */
  namespace: string | undefined;
}

/** Reviews of tokens and of the rights of their users, of which the latest are kept for a moment. */
export class Reviews {
  readonly #reviewers: Reviewers;
  readonly #decisions = new BoundedMap<string, { decision: Decision; at: number }>(limits.admin.maxDecisions);
  readonly #limits = new CheckLimits();

  constructor(reviewers: Reviewers) {
    this.#reviewers = reviewers;
  }

  /** Decides whether the user of a token has a right. @param peer address that invalid tokens count for. */
  async decide(token: string, peer: string, right: ReviewedRight): Promise<Decision> {
    try {
      refuseLargeToken(token);
      const key = `${right.verb} ${right.resource} ${digestOf(token)}`;
      const known = this.#decisions.get(key);
      if (known && performance.now() - known.at < limits.admin.decisionAge) return known.decision;
      const decision = await this.#reviewCharged(token, peer, right);
      this.#decisions.set(key, { decision, at: performance.now() });
      return decision;
    } catch (error) {
      // The token is too long, or there were too many invalid ones.
      if (error instanceof RefusedRegistration) return { denial: { status: 429, message: error.message } };
      throw error;
    }
  }

  async #reviewCharged(token: string, peer: string, right: ReviewedRight): Promise<Decision> {
    const settle = this.#limits.charge(peer);
    try {
      const decision = await this.#review(token, right);
      settle(decision.denial?.status === 401 ? 'invalid' : 'proven');
      return decision;
    } catch (error) {
      settle('unavailable');
      throw error;
    }
  }

  async #review(token: string, right: ReviewedRight): Promise<Decision> {
    const { tokens, access, namespace } = this.#reviewers;
    const reviewed = await tokens.review(token);
    if (!reviewed.authenticated) {
      const { audiences = [] } = readUnverifiedClaims(token) ?? {};
      const found = audiences.length > 0 ? `, which is for the audience ${quote(audiences.join(', '))}` : '';
      return { denial: unauthenticated(`the API server doesn't accept the token${found}`) };
    }
    const { user, uid, groups, extra } = reviewed;
    const account = { user, ...(uid !== undefined && { uid }), ...(groups && { groups }), ...(extra && { extra }) };
    if (await access.allows(account, { ...right, namespace })) return { user };
    const { verb, resource, group } = right;
    const where = namespace === undefined ? '' : ` in the namespace ${namespace}`;
    const message = `${quote(user)} may not ${verb} ${resource}.${group}${where}; bind the Role of the chart that allows it`;
    return { denial: { status: 403, message } };
  }
}

/** Makes the denial of a request whose user isn't known. */
export function unauthenticated(problem: string): Denial {
  return {
    status: 401,
    message: `${problem}; send the token of a user of the cluster as "Authorization: Bearer TOKEN"`,
    headers: { 'www-authenticate': 'Bearer' },
  };
}

/** Returns the token of `Bearer TOKEN`, if any. */
export function bearerIn(header: string | null | undefined): string | undefined {
  return /^bearer\s+(\S+)\s*$/i.exec(header ?? '')?.[1];
}
