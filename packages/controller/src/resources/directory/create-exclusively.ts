import { link, rm, writeFile } from 'node:fs/promises';
import { hasCode } from '../../files/system-error.ts';

/**
 * Creates a file with its whole content at once. Returns false when the file exists already. Of several processes that create the same
 * file, one succeeds.
 *
 * @param temporary path of a file in the same folder that no other process uses.
 */
export async function createExclusively(file: string, content: string, temporary: string): Promise<boolean> {
  try {
    await writeFile(temporary, content);
    await link(temporary, file);
    return true;
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return false;
    if (!hasCode(error, 'EPERM', 'ENOSYS', 'ENOTSUP', 'EOPNOTSUPP', 'EMLINK')) throw error;
    return createWithoutLink(file, content);
  } finally {
    await rm(temporary, { force: true });
  }
}

/** Fallback for file systems without hard links. Another process may see the file before it has its content. */
async function createWithoutLink(file: string, content: string): Promise<boolean> {
  try {
    await writeFile(file, content, { flag: 'wx' });
    return true;
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return false;
    throw error;
  }
}
