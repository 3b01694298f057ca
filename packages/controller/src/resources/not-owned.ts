import { KplugError } from '../errors.ts';
import { describeKey, describeReference, keyOf, type Resource } from './resource.ts';

/** Returns the error for a resource that already exists without the required owner. */
export function notOwned(existing: Resource, owner: Resource): KplugError {
  const { namespace = '' } = existing.metadata;
  const subject = describeKey(keyOf(existing));
  const required = describeKey(keyOf(owner));
  const actual = existing.metadata.ownerReferences?.find(({ controller }) => controller);
  const state = actual ? `, but by ${describeReference({ ...actual, namespace })}` : '';
  return new KplugError(
    'Conflict',
    `${subject} already exists and is not owned by ${required}${state}; delete it or rename it`,
  );
}
