import { readFile } from 'node:fs/promises';
import { KplugError, messageOf } from '../../errors.ts';
import { hasCode } from '../../files/system-error.ts';

/** Reads a file of the state folder; `undefined` when it doesn't exist. Rejects with `StorageFailed` when it can't be read. */
export async function readText(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    if (hasCode(cause, 'ENOENT', 'ENOTDIR')) return undefined;
    throw new KplugError('StorageFailed', `${file} can't be read: ${messageOf(cause)}.`, { cause });
  }
}
