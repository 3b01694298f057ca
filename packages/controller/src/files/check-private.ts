import type { Stats } from 'node:fs';
import { KplugError } from '../errors.ts';

/** Checks that only its owner may read and write a file or folder. Throws `InvalidConfiguration`. Windows has no such permissions. */
export function checkPrivate(path: string, { mode }: Pick<Stats, 'mode'>, allowed: 0o600 | 0o700): void {
  if (process.platform === 'win32' || (mode & 0o777 & ~allowed) === 0) return;
  const found = (mode & 0o777).toString(8).padStart(4, '0');
  const message =
    `${path} has the permissions ${found}, so that others on this machine may read or change it. It holds private keys: run ` +
    `"chmod ${allowed.toString(8)} ${path}". If others may have read it, make new keys.`;
  throw new KplugError('InvalidConfiguration', message);
}
