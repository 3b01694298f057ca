import { stat } from 'node:fs/promises';
import { currentUser, type Exposure, exposureOf } from './exposure.ts';
import { findWritableByOthers } from './writable-by-others.ts';

/**
 * Finds an exposure of a file with secrets: others than root and this user may read it, change it, or replace a folder or link on the way
 * to it. Returns `undefined` when there is none, and on systems without user IDs. Rejects with the system's error, such as `ENOENT`.
 */
export async function findReadableByOthers(path: string, user = currentUser()): Promise<Exposure | undefined> {
  if (!user) return undefined;
  return exposureOf(path, await stat(path), 'read', user) ?? (await findWritableByOthers(path, user));
}
