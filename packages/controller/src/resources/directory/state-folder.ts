import { mkdir, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Logger } from 'pino';
import { KplugError, messageOf } from '../../errors.ts';
import { hasCode } from '../../files/system-error.ts';
import { corruptSuffix, readStates } from './read-states.ts';
import type { ResourceState } from './state-file.ts';

/** Returns Kplug's folder in a directory of manifests. */
export function stateFolderOf(directory: string): string {
  return join(directory, '.kplug');
}

/** Reports whether the folder `.kplug` exists in a directory of manifests. An unmounted directory has none. */
export async function hasStateFolder(directory: string): Promise<boolean> {
  return await stat(join(directory, '.kplug')).then(
    () => true,
    (error: unknown) => !hasCode(error, 'ENOENT', 'ENOTDIR'),
  );
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
export async function loadStates(folder: string, logger: Logger): Promise<ResourceState[]> {
  const { states, corrupt, leftovers } = await readStates(folder);
  try {
    for (const file of leftovers) await rm(file, { force: true });
    for (const { file, message } of corrupt) {
      const aside = `${file}${corruptSuffix}`;
      await rename(file, aside);
      logger.error(
        { file: aside },
        `${file}: ${message}. It was renamed to ${aside}; its resource starts without a state.`,
      );
    }
  } catch (cause) {
    throw new KplugError('StorageFailed', `${folder} can't be cleaned up: ${messageOf(cause)}.`, { cause });
  }
  return states;
}

function refusal(directory: string, what: string, cause?: unknown): KplugError {
  const message = `The directory of manifests ${directory} ${what}. Fix that or use another directory.`;
  return new KplugError('InvalidConfiguration', message, { cause });
}
