import type { AccessReviewer, TokenReviewer } from '../resources/cluster-services.ts';
import type { AdminRequest, Authorize } from './admin-server.ts';
import type { Denial } from './deny-request.ts';
import { bearerIn, Reviews, unauthenticated } from './reviews.ts';

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

/**
 * Returns the authorization of the admin port. Processes of this machine or pod are allowed: on a cluster, others reach the loopback
 * interface of a pod only by `kubectl port-forward`, which RBAC guards. Other machines need TLS, a token that the API server knows, and
 * the right to get `plugins/admin`.
 */
export function authorizeBy({ tokens, access, namespace }: AuthorizerParts): Authorize {
  const reviews = tokens && access ? new Reviews({ tokens, access, namespace }) : undefined;
  return async (request) => {
    if (request.isSameMachine || isProbe(request)) return undefined;
    if (!reviews) return { status: 403, message: elsewhere };
    if (!request.encrypted) return { status: 403, message: `no token is accepted in plain text; use https, ${advice}` };
    const token = bearerIn(request.headers.authorization);
    if (token === undefined) return withAdvice(unauthenticated('the request has no token'));
    const { denial } = await reviews.decide(token, request.peer, adminRight);
    return denial && withAdvice(denial);
  };
}

const advice = 'or reach the port by "kubectl port-forward", as kplug --cluster does';

function withAdvice(denial: Denial): Denial {
  return denial.status === 429 ? denial : { ...denial, message: `${denial.message}, ${advice}` };
}

const elsewhere =
  'the admin port serves other machines only on a cluster; run the command on the machine of the operator, or reach the port by an SSH tunnel';

function isProbe({ method, path, query }: AdminRequest): boolean {
  return query === '' && (method === 'GET' || method === 'HEAD') && openPaths.has(path);
}
