import { isDeepStrictEqual } from 'node:util';
import type { ResourceChange } from '../resources/port.ts';

/** Reports whether a change concerns plugins. The controller's own writes of statuses and finalizers don't. */
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

/** Reports whether another client removed the finalizer, or changed fields of the status that the controller manages. */
export function needsRepair({ resource, previous, gone, overwritten }: ResourceChange, finalizer: string): boolean {
  if (!previous || gone || resource.metadata.deletionTimestamp) return false;
  const hadFinalizer = previous.metadata.finalizers?.includes(finalizer) ?? false;
  return overwritten === true || (hadFinalizer && !resource.metadata.finalizers?.includes(finalizer));
}
