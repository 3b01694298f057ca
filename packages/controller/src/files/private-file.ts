import type { Stats } from 'node:fs';

const groupWrite = 0o020;
const othersAny = 0o007;

/**
 * Returns the reason why a file isn't private to the user of this process; `undefined` if it is. The group may read it, as it must in
 * volumes of Kubernetes. Windows has no such modes.
 */
export function privacyFault({ mode, uid }: Pick<Stats, 'mode' | 'uid'>): string | undefined {
  if (process.platform === 'win32') return undefined;
  const user = process.getuid?.() ?? uid;
  if (uid !== 0 && uid !== user && user !== 0) return `it belongs to another user (uid ${uid})`;
  if ((mode & (groupWrite | othersAny)) === 0) return undefined;
  return `other users may read or write it (mode ${(mode & 0o777).toString(8).padStart(4, '0')})`;
}
