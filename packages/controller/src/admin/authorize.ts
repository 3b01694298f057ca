import { BoundedMap } from '../authentication/bounded-map.ts';
import { CheckLimits } from '../authentication/check-limits.ts';
import { quote } from '../authentication/refusals.ts';
import { digestOf, readUnverifiedClaims, refuseLargeToken } from '../authentication/token-text.ts';
import { limits } from '../limits/limits.ts';
import { RefusedRegistration } from '../registry/refusal.ts';
import type { AccessReviewer, TokenReviewer, UserRight } from '../resources/cluster-services.ts';
import type { AdminRequest, Authorize } from './admin-server.ts';
import type { Denial } from './deny-request.ts';

/** Right to read the admin port, in the namespace of the operator. */
export const adminRight = { group: 'plugins.kplug.dev', resource: 'plugins/admin', verb: 'get' } as const;

/** Parts that authorize requests from other machines. */
export interface AuthorizerParts {
  /** Namespace of the operator. */
  namespace: string | undefined;
  /** Review of the tokens of users. Without it, no other machine is served. */
  tokens: Pick<TokenReviewer, 'review'> | undefined;
  /** Review of the rights of users. */
  access: Pick<AccessReviewer, 'allows'> | undefined;
}

/** Paths that tell nothing but whether the operator runs. */
const openPaths = new Set(['/healthz', '/readyz']);

interface Decision {
  denial: Denial | undefined;
  at: number;
}

/**
 * Returns the authorization of the admin port. Processes of this machine or pod are allowed: on a cluster, others reach the loopback
 * interface of a pod only by `kubectl port-forward`, which RBAC guards. Other machines need TLS, a token that the API server knows, and
 * the right to get `plugins/admin`.
 */
export function authorizeBy({ tokens, access, namespace }: AuthorizerParts): Authorize {
  const reviews = tokens && access ? new Reviews(tokens, access, { ...adminRight, namespace }) : undefined;
  return async (request) => {
    if (request.isSameMachine || isProbe(request)) return undefined;
    if (!reviews) return { status: 403, message: elsewhere };
    if (!request.encrypted) return { status: 403, message: `no token is accepted in plain text; use https, ${advice}` };
    const token = bearerIn(request.headers.authorization);
    return token === undefined ? unauthenticated('the request has no token') : reviews.decide(token, request.peer);
  };
}

/** Reviews of tokens and of the rights of their users, of which the latest are kept for a moment. */
class Reviews {
  readonly #tokens: Pick<TokenReviewer, 'review'>;
  readonly #access: Pick<AccessReviewer, 'allows'>;
  readonly #right: UserRight;
  readonly #decisions = new BoundedMap<string, Decision>(limits.admin.maxDecisions);
  readonly #limits = new CheckLimits();

  constructor(tokens: Pick<TokenReviewer, 'review'>, access: Pick<AccessReviewer, 'allows'>, right: UserRight) {
    this.#tokens = tokens;
    this.#access = access;
    this.#right = right;
  }

  async decide(token: string, peer: string): Promise<Denial | undefined> {
    try {
      refuseLargeToken(token);
      const key = digestOf(token);
      const known = this.#decisions.get(key);
      if (known && performance.now() - known.at < limits.admin.decisionAge) return known.denial;
      const denial = await this.#reviewCharged(token, peer);
      this.#decisions.set(key, { denial, at: performance.now() });
      return denial;
    } catch (error) {
      // The token is too long, or there were too many invalid ones.
      if (error instanceof RefusedRegistration) return { status: 429, message: error.message };
      throw error;
    }
  }

  async #reviewCharged(token: string, peer: string): Promise<Denial | undefined> {
    const settle = this.#limits.charge(peer);
    try {
      const denial = await this.#review(token);
      settle(denial?.status === 401 ? 'invalid' : 'proven');
      return denial;
    } catch (error) {
      settle('unavailable');
      throw error;
    }
  }

  async #review(token: string): Promise<Denial | undefined> {
    const reviewed = await this.#tokens.review(token);
    if (!reviewed.authenticated) {
      const { audiences = [] } = readUnverifiedClaims(token) ?? {};
      const found = audiences.length > 0 ? `, which is for the audience ${quote(audiences.join(', '))}` : '';
      return unauthenticated(`the API server doesn't accept the token${found}`);
    }
    const { user, uid, groups, extra } = reviewed;
    const account = { user, ...(uid !== undefined && { uid }), ...(groups && { groups }), ...(extra && { extra }) };
    if (await this.#access.allows(account, this.#right)) return undefined;
    const { verb, resource, group, namespace } = this.#right;
    const where = namespace === undefined ? '' : ` in the namespace ${namespace}`;
    const message = `${quote(user)} may not ${verb} ${resource}.${group}${where}; bind the Role of the chart that allows it, ${advice}`;
    return { status: 403, message };
  }
}

const advice = 'or reach the port by "kubectl port-forward", as kplug --cluster does';

const elsewhere =
  'the admin port serves other machines only on a cluster; run the command on the machine of the operator, or reach the port by an SSH tunnel';

function unauthenticated(problem: string): Denial {
  return {
    status: 401,
    message: `${problem}; send the token of a user of the cluster as "Authorization: Bearer TOKEN", ${advice}`,
    headers: { 'www-authenticate': 'Bearer' },
  };
}

function isProbe({ method, path, query }: AdminRequest): boolean {
  return query === '' && (method === 'GET' || method === 'HEAD') && openPaths.has(path);
}

/** Returns the token of `Bearer TOKEN`, if any. */
function bearerIn(header: string | undefined): string | undefined {
  return /^bearer\s+(\S+)\s*$/i.exec(header ?? '')?.[1];
}
