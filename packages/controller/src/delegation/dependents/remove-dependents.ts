import type { OwnedWriteOptions } from '../../resources/port.ts';
import type { PassResources } from '../passes/observed-writes.ts';
import type { DependentWrites } from './dependent-follower.ts';
import { findOwned } from './find-owned.ts';
import type { InventoryEntry } from './inventory.ts';

/**
 * Deletes dependents one after another, each when the one before it is gone, and releases those that are to be retained. Returns those that
 * are not gone yet, the one that is being deleted first. The base waits for that one.
 */
export async function removeDependents<T extends InventoryEntry>(
  entries: readonly T[],
  resources: PassResources,
  options: OwnedWriteOptions,
  writes: DependentWrites,
): Promise<T[]> {
  for (const [index, { key, retain, isObserved }] of entries.entries()) {
    if (isObserved && !findOwned(resources, key, options.owner)) continue;
    if (retain) await resources.releaseOwned(key, options);
    else await resources.removeOwned(key, options);
    writes.add(key);
    if (retain || !findOwned(resources, key, options.owner)) continue;
    writes.waitFor(key);
    return entries.slice(index);
  }
  return [];
}
