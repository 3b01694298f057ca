import { KplugError, messageOf } from '../../errors.ts';
import { limits } from '../../limits/limits.ts';
import { groupOf } from '../resource.ts';
import type { AccessReviewer, NeededRight, UserRight } from '../services/access-reviewer.ts';
import type { ClusterUser } from '../services/token-reviewer.ts';
import { lackingVerbs } from './access-question.ts';
import { ApiError } from './api-error.ts';
import type { Discovery } from './discovery.ts';
import { missingRule, type Right } from './missing-rule.ts';
import type { Transport } from './transport.ts';

/** Reviews the operator's rights by SelfSubjectAccessReviews, and those of users by SubjectAccessReviews. */
export class AccessReview implements AccessReviewer {
  readonly #transport: Transport;
  readonly #discovery: Discovery;
  /** Empty for all namespaces. */
  readonly #namespaces: readonly string[];

  constructor({
    transport,
    discovery,
    namespaces,
  }: {
    transport: Transport;
    discovery: Discovery;
    namespaces: readonly string[];
  }) {
    this.#transport = transport;
    this.#discovery = discovery;
    this.#namespaces = namespaces;
  }

  async review(rights: readonly NeededRight[]): Promise<string[]> {
    try {
      const needed = (await Promise.all(rights.map((right) => this.#rightsFor(right)))).flat();
      const missing = await Promise.all(needed.map((right) => this.#missing(right)));
      return missing.filter(({ verbs }) => verbs.length > 0).map(missingRule);
    } catch (cause) {
      if (!(cause instanceof ApiError)) throw cause;
      const message = `The operator's rights can't be reviewed: ${cause.message}`;
      throw new KplugError('StorageFailed', message, { cause });
    }
  }

  async allows(user: ClusterUser, { group, resource, verb, namespace }: UserRight): Promise<boolean> {
    const signal = AbortSignal.timeout(limits.authentication.reviewTimeout);
    const right = { group, resource, verbs: [verb], namespace };
    try {
      return (await lackingVerbs(this.#transport, { right, user, signal })).length === 0;
    } catch (cause) {
      if (!signal.aborted && !(cause instanceof ApiError)) throw cause;
      const needed = { group: 'authorization.k8s.io', resource: 'subjectaccessreviews', verbs: ['create'] };
      const isForbidden = cause instanceof ApiError && cause.reason === 'Forbidden';
      const reason = isForbidden ? missingRule({ ...needed, namespace: undefined }) : messageOf(cause);
      throw new KplugError('StorageFailed', `The API server can't review the rights of users: ${reason}`, { cause });
    }
  }

  async #rightsFor({ kind, subresource, verbs }: NeededRight): Promise<Right[]> {
    const served = await this.#discovery.find(kind);
    if (!served || (subresource === 'status' && !served.hasStatus)) return [];
    const resource = subresource ? `${served.plural}/${subresource}` : served.plural;
    const scopes = served.namespaced && this.#namespaces.length > 0 ? this.#namespaces : [undefined];
    return scopes.map((namespace) => ({ group: groupOf(kind.apiVersion), resource, verbs, namespace }));
  }

  /** Returns the part of a right that is missing. */
  async #missing(right: Right): Promise<Right> {
    return { ...right, verbs: await lackingVerbs(this.#transport, { right }) };
  }
}
