import type { OwnedWriteOptions, Resources } from '../../resources/port.ts';
import { isOwnedBy, type ResourceKey } from '../../resources/resource.ts';
import type { DependentWrites } from './dependent-follower.ts';

/**
 * Deletes dependents one after another, each when the one before it is gone. Returns those that are not gone yet, the one that is being
 * deleted first. The base waits for that one.
 */
export async function removeDependents(
  keys: readonly ResourceKey[],
  resources: Resources,
  options: OwnedWriteOptions,
  writes: DependentWrites,
): Promise<ResourceKey[]> {
  for (const [index, key] of keys.entries()) {
    await resources.removeOwned(key, options);
    writes.add(key);
    const resource = resources.get(key);
    if (!resource || !isOwnedBy(resource, options.owner.metadata)) continue;
    writes.waitFor(key);
    return keys.slice(index);
  }
  return [];
}
