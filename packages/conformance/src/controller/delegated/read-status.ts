import type { Resource } from '@kplug/controller';
import { eventually } from '../../eventually.ts';
import { NotMet } from '../../requirement.ts';
import { type DelegatedBase, statusOf } from './delegated-resources.ts';

/** A condition of a base. */
export interface Condition {
  type: string;
  status: string;
  reason?: string;
  message?: string;
  observedGeneration?: number;
}

/** Returns the conditions of a base. */
export function conditionsOf(base: Resource): Condition[] {
  const { conditions } = statusOf(base);
  return Array.isArray(conditions) ? conditions : [];
}

/**
 * Requires that the controller wrote nothing of an invalid answer before the next call, and reported the reason in a condition.
 *
 * @param mark value of the field `refused` in each status of the answer.
 */
export async function requireRefused(resource: DelegatedBase, mark: string, retryTime: number): Promise<string> {
  // A controller that accepted the answer does not retry.
  if (!(await eventually(() => resource.calls()[1], retryTime))) await resource.change();
  const { base, extensions } = await resource.call(1);
  const [written] = [base, ...Object.values(extensions)].filter((one) =>
    String(statusOf(one).refused).startsWith(mark),
  );
  if (written)
    throw new NotMet(
      `the status of ${written.kind} ${written.metadata.name} contains a part of the invalid answer`,
      'no part of it',
    );
  const reported = conditionsOf(base).find(({ status, message }) => status === 'False' && message);
  if (reported) return `${reported.reason}: ${reported.message}`;
  throw new NotMet('no condition with status False and a message', 'the reason for the refusal');
}
