import { KplugError } from '../errors.ts';
import { describeReference, keyOf, parseKey, type Resource, type ResourceKey } from './resource.ts';

/** Returns the error for a resource that already exists without the required owner. */
export function notOwned(key: ResourceKey, owner: Resource): KplugError {
  const subject = describeReference(parseKey(key));
  const required = describeReference(parseKey(keyOf(owner)));
  return new KplugError(
    'Conflict',
    `${subject} already exists and is not owned by ${required}; delete it or rename it`,
  );
}
