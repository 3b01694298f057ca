import { homedir } from 'node:os';
import { join } from 'node:path';

/** Folder in which tests and tools keep downloads and builds for this user, below the folder that the platform defines for caches. */
export function userCacheFolder(): string {
  const { XDG_CACHE_HOME, LOCALAPPDATA } = process.env;
  const fallback = process.platform === 'win32' && LOCALAPPDATA ? LOCALAPPDATA : join(homedir(), '.cache');
  return join(XDG_CACHE_HOME || fallback, 'kplug');
}
