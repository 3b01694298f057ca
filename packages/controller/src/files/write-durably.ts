import { type FileHandle, mkdir, open, rename, rm, stat, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';
import { hasCode } from './system-error.ts';

/** Suffix of a file that is being written. A file with it that is found later is left over from a crash. */
export const temporarySuffix = '.tmp';

/** Access to a written file. */
export interface FileAccess {
  mode: number;
  /** Owner, which only root can set. */
  owner?: { uid: number; gid: number };
}

/**
 * Writes a file atomically. Fulfilled when the content is on disk. Writes of the same file must not overlap. Creates missing folders
 * below `root`, but not `root` itself. The package write-file-atomic doesn't fit: it takes a short write, as on a full disk, for a
 * complete one, and replaces the good file by the torn one.
 *
 * @param access set before the content is written. Default: that of a new file.
 */
export async function writeDurably(file: string, content: string, root: string, access?: FileAccess): Promise<void> {
  const temporary = `${file}${temporarySuffix}`;
  try {
    const handle = await openForWriting(temporary, root, access?.mode);
    try {
      // A leftover keeps its mode when it is opened.
      if (access) await setAccess(handle, access);
      await handle.writeFile(content);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, file);
  } catch (error) {
    // The first error matters more than a failure to clean up. Leftovers are removed at the next start.
    await rm(temporary, { force: true }).catch(() => undefined);
    throw error;
  }
  await syncFolder(dirname(file));
}

/** Removes a file durably, if it exists. */
export async function removeDurably(file: string): Promise<void> {
  try {
    await unlink(file);
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return;
    throw error;
  }
  await syncFolder(dirname(file));
}

async function setAccess(handle: FileHandle, { mode, owner }: FileAccess): Promise<void> {
  await handle.chmod(mode);
  if (owner && process.getuid?.() === 0) await handle.chown(owner.uid, owner.gid);
}

async function openForWriting(file: string, root: string, mode?: number): Promise<FileHandle> {
  try {
    return await open(file, 'w', mode);
  } catch (error) {
    if (!hasCode(error, 'ENOENT')) throw error;
    await makeFolder(dirname(file), root);
    return open(file, 'w', mode);
  }
}

/** Makes a folder and its parents up to `root`, which must exist. */
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

/** Syncs the entries of a folder. Windows can't open folders, and needs no sync. */
export async function syncFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return;
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
