import type { Stats } from 'node:fs';
import { lstat, readlink } from 'node:fs/promises';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import { limits } from '../limits/limits.ts';
import { currentUser, type Exposure, exposureOf, type FileUser } from './exposure.ts';

const { maxLinks } = limits.pluginsFolder;

const sticky = 0o1000;

/**
 * Finds a part of a path that others than root and this user may change: the file or folder itself, a folder or link on the way to it, or
 * the target of a link. In a folder above it with the sticky bit, such as /tmp, others can't replace what belongs to this user. Returns
 * `undefined` when there is none, and on systems without user IDs. Rejects with the system's error, such as `ENOENT`.
 */
export async function findWritableByOthers(path: string, user = currentUser()): Promise<Exposure | undefined> {
  if (!user) return undefined;
  let steps = stepsOf(resolve(path));
  let current = '/';
  let links = 0;
  const root = exposureOn('/', await lstat('/'), steps.length > 0, user);
  if (root) return root;
  for (let step = steps.shift(); step !== undefined; step = steps.shift()) {
    const next = step === '..' ? dirname(current) : join(current, step);
    const stats = await lstat(next);
    const exposure = exposureOn(next, stats, steps.length > 0, user);
    if (exposure) return exposure;
    if (!stats.isSymbolicLink()) {
      current = next;
      continue;
    }
    if (++links > maxLinks) throw new Error(`${path} has more than ${maxLinks} symbolic links`);
    const target = await readlink(next);
    if (isAbsolute(target)) current = '/';
    steps = [...stepsOf(target), ...steps];
  }
  return undefined;
}

/** Finds an exposure of an entry of a folder that has none itself. See `findWritableByOthers`. */
export async function findWritableEntry(path: string, user = currentUser()): Promise<Exposure | undefined> {
  if (!user) return undefined;
  const stats = await lstat(path);
  if (stats.isSymbolicLink()) return findWritableByOthers(path, user);
  // Nothing is run from a socket or a device.
  return stats.isFile() || stats.isDirectory() ? exposureOn(path, stats, false, user) : undefined;
}

/** Returns the exposure of one part of a path. `isAbove` is true for a folder above the file that is checked. */
function exposureOn(path: string, stats: Stats, isAbove: boolean, user: FileUser): Exposure | undefined {
  const isLink = stats.isSymbolicLink();
  // Links have no permissions of their own.
  const ignored = isLink || (isAbove && (stats.mode & sticky) !== 0) ? 0o022 : 0;
  const exposure = exposureOf(path, { mode: stats.mode & ~ignored, uid: stats.uid, gid: stats.gid }, 'write', user);
  if (!exposure) return undefined;
  const remedy = isLink ? exposure.remedy.replace('chown ', 'chown -h ') : exposure.remedy;
  return { ...exposure, mode: stats.mode & 0o7777, remedy };
}

function stepsOf(path: string): string[] {
  return path.split('/').filter((step) => step && step !== '.');
}
