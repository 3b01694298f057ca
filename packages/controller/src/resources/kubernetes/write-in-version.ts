import { KplugError } from '../../errors.ts';
import { limits } from '../../limits/limits.ts';
import { describeKey, type Resource, type ResourceKey } from '../resource.ts';
import type { Patch, WriteTarget } from './write-target.ts';

const { maxConflictAttempts: maxAttempts } = limits.kubernetes;

/**
 * Writes a resource in the version that was read, and again in the current one when that is out of date. The version also protects
 * against a resource with another UID, as the API server ignores the UID in a patch of a status. `patch` returns the change for a version,
 * or nothing when there is none. Rejects with a `KplugError`; with `Conflict` when the resource keeps changing.
 */
export async function writeInVersion(
  target: WriteTarget,
  patch: (resource: Resource) => Patch | undefined,
): Promise<Resource | 'unchanged' | 'gone'> {
  let { resource } = target;
  for (let attempt = 1; attempt <= maxAttempts; attempt += 1) {
    const change = patch(resource);
    if (!change) return 'unchanged';
    const result = await target.patch(change);
    if (result.outcome === 'gone') return 'gone';
    if (result.outcome === 'written') return result.resource;
    resource = result.resource;
  }
  throw changedTooOften(target.key);
}

/** Returns the error for a resource that others change at each attempt to write it. */
export function changedTooOften(key: ResourceKey): KplugError {
  const reference = describeKey(key);
  return new KplugError('Conflict', `${reference} changed during each of ${maxAttempts} attempts to write it.`);
}
