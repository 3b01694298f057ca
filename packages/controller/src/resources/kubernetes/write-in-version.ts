import { KplugError } from '../../errors.ts';
import { describeReference, parseKey, type Resource } from '../resource.ts';
import type { Patch, WriteTarget } from './write-target.ts';

/** How often a resource may change under our hands before a write is given up. */
const mostTries = 8;

/**
 * Writes a resource in the version that was read, and in the present one when that is out of date. The version also stands for
 * the incarnation: the API server passes over the uid in a patch of a status. `patch` makes the change for a version, or nothing
 * when there is nothing to change. Rejects with a `KplugError`; `Conflict` when the resource changes all the time.
 */
export async function writeInVersion(
  target: WriteTarget,
  patch: (resource: Resource) => Patch | undefined,
): Promise<Resource | 'unchanged' | 'gone'> {
  let { resource } = target;
  for (let tries = 1; tries <= mostTries; tries += 1) {
    const change = patch(resource);
    if (!change) return 'unchanged';
    const result = await target.patch(change);
    if (result.outcome === 'gone') return 'gone';
    if (result.outcome === 'written') return result.resource;
    resource = result.resource;
  }
  const reference = describeReference(parseKey(target.key));
  throw new KplugError('Conflict', `${reference} changed at each of ${mostTries} tries to write it.`);
}
