import type { HandlerContext } from '@connectrpc/connect';
import { quote } from '../authentication/refusals.ts';
import { messageOf } from '../errors.ts';
import type { Denial } from './deny-request.ts';
import { requestConnection } from './request-connection.ts';
import { bearerIn, type Decision, type Reviewers, Reviews, unauthenticated } from './reviews.ts';

/** Right to drain instances, in the namespace of the operator. */
export const drainRight = { group: 'plugins.kplug.dev', resource: 'plugins/drain', verb: 'update' } as const;

/** Rules for actions through the admin port. */
export interface ActionPolicy {
  /** True if the operator allows actions at all. */
  isEnabled: boolean;
  /** `cluster`: users with the right; `machine`: processes of the operator's machine. */
  actors: 'cluster' | 'machine';
  /** Review of users, on a cluster. Without it, no user can be reviewed. */
  reviewers: Reviewers | undefined;
}

/**
 * Decides who may act through the admin port. On a cluster, everybody needs a token, also through a port-forward: the operator sees only that
 * the request comes from its own pod, and the right to forward a port is none to act.
 */
export class ActionRights {
  readonly #policy: ActionPolicy;
  readonly #reviews: Reviews | undefined;

  constructor(policy: ActionPolicy) {
    this.#policy = policy;
    this.#reviews = policy.reviewers && new Reviews(policy.reviewers);
  }

  /** Decides whether the user of a request may drain instances. The user is described for people, safely for a terminal. */
  async decide({ values, requestHeader }: Pick<HandlerContext, 'values' | 'requestHeader'>): Promise<Decision> {
    if (!this.#policy.isEnabled) return denied(disabled);
    const { peer, isSameMachine, encrypted } = values.get(requestConnection);
    if (this.#policy.actors === 'machine')
      return isSameMachine ? { user: 'a process of this machine' } : denied(elsewhere);
    if (!this.#reviews) return denied(unreviewed);
    if (!encrypted && !isSameMachine) return denied('no token is accepted in plain text; use https');
    const token = bearerIn(requestHeader.get('authorization'));
    if (token === undefined) return { denial: unauthenticated(noToken) };
    try {
      const decision = await this.#reviews.decide(token, peer, drainRight);
      return decision.denial ? decision : { user: `user ${quote(decision.user)}` };
    } catch (error) {
      return { denial: { status: 503, message: `the user could not be reviewed: ${messageOf(error)}` } };
    }
  }
}

function denied(message: string): { denial: Denial } {
  return { denial: { status: 403, message } };
}

const disabled =
  'the operator allows no actions; start it with --allow-actions (admin.actions.enabled in the values of the chart)';

const elsewhere = 'only processes of the machine of the operator may act; run the command there';

const unreviewed = 'the operator cannot review users of the cluster, so that nobody may act';

const noToken = 'on a cluster, actions need the token of a user, also through a port-forward';
