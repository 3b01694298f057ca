import { formatJson } from '@kplug/protocol';
import { isJsonObject } from '../json.ts';
import type { ClusterUser } from '../services/token-reviewer.ts';
import type { Right } from './missing-rule.ts';
import type { Transport } from './transport.ts';

/** Reference to a service account. */
export interface ServiceAccount {
  namespace: string;
  name: string;
}

/** Question about a right. */
export interface AccessQuestion {
  right: Right;
  /** User to review. Default: the caller. Reviewing another one takes the right to create `subjectaccessreviews`. */
  user?: ClusterUser | undefined;
  signal?: AbortSignal | undefined;
}

/** Returns the verbs of a right that aren't allowed, as the API server decides. Rejects with an `ApiError`. */
export async function lackingVerbs(transport: Transport, { right, user, signal }: AccessQuestion): Promise<string[]> {
  const allowed = await Promise.all(right.verbs.map((verb) => isAllowed(transport, { right, user, signal }, verb)));
  return right.verbs.filter((_, index) => !allowed[index]);
}

async function isAllowed(
  transport: Transport,
  { right, user, signal }: AccessQuestion,
  verb: string,
): Promise<boolean> {
  const [resource, subresource] = right.resource.split('/');
  const { group, namespace, name } = right;
  const kind = user ? 'SubjectAccessReview' : 'SelfSubjectAccessReview';
  const plural = `${kind.toLowerCase()}s`;
  const resourceAttributes = { group, resource, subresource, verb, namespace, name };
  const { status } = await transport.request({
    method: 'POST',
    path: `/apis/authorization.k8s.io/v1/${plural}`,
    verb: 'create',
    resource: plural,
    signal,
    // It stores nothing, and replicas that don't lead authorize, too.
    isUnfenced: true,
    body: formatJson({
      apiVersion: 'authorization.k8s.io/v1',
      kind,
      spec: { resourceAttributes, ...user },
    }),
  });
  return isJsonObject(status) && status.allowed === true;
}

/** Returns user and groups of a service account. */
export function userOf({ namespace, name }: ServiceAccount): ClusterUser {
  return {
    user: `system:serviceaccount:${namespace}:${name}`,
    groups: ['system:serviceaccounts', `system:serviceaccounts:${namespace}`, 'system:authenticated'],
  };
}
