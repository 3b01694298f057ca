import { isDeepStrictEqual } from 'node:util';
import type { ResourceChange } from '../resources/port.ts';

/** Whether a change is one that a plugin should see. What the controller writes itself (status, finalizers) isn't. */
export function isSubstantial({ resource, previous, gone }: ResourceChange): boolean {
  if (!previous || gone) return true;
  const [now, before] = [resource.metadata, previous.metadata];
  return (
    now.uid !== before.uid ||
    now.generation !== before.generation ||
    now.deletionTimestamp !== before.deletionTimestamp ||
    !isDeepStrictEqual(now.labels, before.labels) ||
    !isDeepStrictEqual(now.annotations, before.annotations)
  );
}

/** Whether somebody took from a resource what only the controller may: what it said in the status, or its finalizer. */
export function isTamperedWith({ resource, previous, gone, overwritten }: ResourceChange, finalizer: string): boolean {
  if (!previous || gone || resource.metadata.deletionTimestamp) return false;
  const hadFinalizer = previous.metadata.finalizers?.includes(finalizer) ?? false;
  return overwritten === true || (hadFinalizer && !resource.metadata.finalizers?.includes(finalizer));
}
