import { copyFile, mkdir, readdir, rename, rm, rmdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Logger } from 'pino';
import { KplugError, messageOf } from '../../errors.ts';
import { hasCode } from '../../files/system-error.ts';
import { corruptSuffix, readStates, type States } from './read-states.ts';
import { statesFolder } from './state-file.ts';

/** Returns Kplug's folder in a directory of manifests. */
export function stateFolderOf(directory: string): string {
  return join(directory, '.kplug');
}

/** Rejects with `InvalidConfiguration` unless a path is a readable directory. */
export async function checkDirectory(directory: string): Promise<void> {
  try {
    if (!(await stat(directory)).isDirectory()) throw refusal(directory, 'is not a directory');
    await readdir(directory);
  } catch (error) {
    if (error instanceof KplugError) throw error;
    const what = hasCode(error, 'ENOENT') ? "doesn't exist" : `can't be read (${messageOf(error)})`;
    throw refusal(directory, what, error);
  }
}

/** Makes Kplug's folder in a directory. Rejects with `InvalidConfiguration` when the directory isn't writable. */
export async function makeStateFolder(directory: string): Promise<string> {
  const folder = stateFolderOf(directory);
  try {
    await mkdir(folder).catch((error: unknown) => {
      if (!hasCode(error, 'EEXIST')) throw error;
    });
    // The states belong to this machine and change all the time.
    await writeFile(join(folder, '.gitignore'), '*\n');
    return folder;
  } catch (error) {
    throw refusal(directory, `can't be written (${messageOf(error)})`, error);
  }
}

/**
 * Loads the states from Kplug's folder. Removes temporary files of interrupted writes; sets invalid files aside and logs them. Rejects
 * with `StorageFailed`.
 */
export async function loadStates(folder: string, logger: Logger): Promise<States> {
  const read = await readStates(folder);
  try {
    for (const file of read.leftovers) await rm(file, { force: true });
    for (const { file, line, message } of read.corrupt) {
      const aside = `${file}${corruptSuffix}`;
      if (line === undefined) {
        await rename(file, aside);
        logger.error(
          { file: aside },
          `${file}: ${message}. It was renamed to ${aside}; its resource starts without a state.`,
        );
      } else {
        await copyFile(file, aside);
        const problem = `${file}:${line}: ${message}`;
        logger.error({ file: aside, line }, `${problem}. The file was copied to ${aside}; all other lines count.`);
      }
    }
  } catch (cause) {
    throw new KplugError('StorageFailed', `${folder} can't be cleaned up: ${messageOf(cause)}.`, { cause });
  }
  return read;
}

/** Removes the state files of an earlier version of Kplug, whose states are in the journal, and their empty folders. */
export async function removeEarlierStates(folder: string, files: readonly string[]): Promise<void> {
  for (const file of files) await rm(file, { force: true });
  const root = join(folder, statesFolder);
  const folders = (await readdir(root, { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name));
  // The deepest first.
  for (const one of [root, ...folders].sort((a, b) => b.length - a.length)) {
    await rmdir(one).catch((error: unknown) => {
      if (!hasCode(error, 'ENOTEMPTY', 'EEXIST')) throw error;
    });
  }
}

function refusal(directory: string, what: string, cause?: unknown): KplugError {
  const message = `The directory of manifests ${directory} ${what}. Fix that or use another directory.`;
  return new KplugError('InvalidConfiguration', message, { cause });
}
