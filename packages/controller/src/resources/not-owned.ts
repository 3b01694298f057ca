import { KplugError } from '../errors.ts';
import { describeReference, keyOf, parseKey, type Resource, type ResourceKey } from './resource.ts';

/** The error for a resource that is to be kept for another one, but is somebody else's. */
export function notOwned(key: ResourceKey, owner: Resource): KplugError {
  const subject = describeReference(parseKey(key));
  const keeper = describeReference(parseKey(keyOf(owner)));
  return new KplugError('Conflict', `${subject} is there already, and not kept for ${keeper}; delete it or rename it`);
}
