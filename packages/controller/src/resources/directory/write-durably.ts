import { type FileHandle, mkdir, open, rename, rm, stat, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';

/** How the name of a file ends while it is being written. One that is found later is left over from a crash. */
export const temporarySuffix = '.tmp';

/**
 * Writes a file whole or not at all, and is done when it is on disk. Only one write of a file may be under way. Folders that
 * are missing are made, but `root` isn't. The package write-file-atomic doesn't do: it takes a write that the system cut short,
 * as on a full disk, for a complete one and puts the torn file in place of the good one.
 */
export async function writeDurably(file: string, content: string, root: string): Promise<void> {
  const temporary = `${file}${temporarySuffix}`;
  try {
    const handle = await openForWriting(temporary, root);
    try {
      await handle.writeFile(content);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, file);
  } catch (error) {
    // What went wrong first says more than what may go wrong now. Leftovers are cleaned away at the next start.
    await rm(temporary, { force: true }).catch(() => undefined);
    throw error;
  }
  await syncFolder(dirname(file));
}

/** Removes a file for good. One that isn't there is fine, unless `root` isn't there either. */
export async function removeDurably(file: string, root: string): Promise<void> {
  await stat(root);
  try {
    await unlink(file);
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return;
    throw error;
  }
  await syncFolder(dirname(file));
}

async function openForWriting(file: string, root: string): Promise<FileHandle> {
  try {
    return await open(file, 'w');
  } catch (error) {
    if (!hasCode(error, 'ENOENT')) throw error;
    await makeFolder(dirname(file), root);
    return open(file, 'w');
  }
}

/** Makes a folder and those above it, up to `root`, which has to be there. */
async function makeFolder(folder: string, root: string): Promise<void> {
  if (folder === root) {
    await stat(root);
    return;
  }
  await makeFolder(dirname(folder), root);
  try {
    await mkdir(folder);
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return;
    throw error;
  }
  await syncFolder(dirname(folder));
}

/** Makes the names in a folder safe. Windows has no such call, and doesn't open folders. */
async function syncFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return;
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Whether something that was thrown is a system error of a code, such as `ENOENT`. */
export function hasCode(error: unknown, ...codes: string[]): boolean {
  return error instanceof Error && 'code' in error && codes.includes(String(error.code));
}
