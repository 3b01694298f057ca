import { mkdir, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Logger } from 'pino';
import { KplugError, messageOf } from '../../errors.ts';
import { corruptSuffix, readStates } from './read-states.ts';
import type { ResourceState } from './state-file.ts';
import { hasCode } from './write-durably.ts';

/** The folder, in a directory of resources, that belongs to Kplug. */
export function stateFolderOf(directory: string): string {
  return join(directory, '.kplug');
}

/** Rejects with `InvalidConfiguration` unless a path is that of a directory which can be read. */
export async function checkDirectory(directory: string): Promise<void> {
  try {
    if (!(await stat(directory)).isDirectory()) throw refusal(directory, 'is not a directory');
    await readdir(directory);
  } catch (error) {
    if (error instanceof KplugError) throw error;
    throw refusal(directory, hasCode(error, 'ENOENT') ? "doesn't exist" : `can't be read (${messageOf(error)})`, error);
  }
}

/** Makes Kplug's folder in a directory. Rejects with `InvalidConfiguration` when it can't be written. */
export async function makeStateFolder(directory: string): Promise<string> {
  const folder = stateFolderOf(directory);
  try {
    await mkdir(folder).catch((error: unknown) => {
      if (!hasCode(error, 'EEXIST')) throw error;
    });
    // What Kplug keeps here is of this machine and changes all the time.
    await writeFile(join(folder, '.gitignore'), '*\n');
    return folder;
  } catch (error) {
    throw refusal(directory, `can't be written (${messageOf(error)})`, error);
  }
}

/**
 * Reads the states in Kplug's folder, and tidies it: what a crash left half-written goes, and what can't be understood is set
 * aside and logged. Rejects with `StorageFailed`.
 */
export async function loadStates(folder: string, logger: Logger): Promise<ResourceState[]> {
  const { states, corrupt, leftovers } = await readStates(folder);
  try {
    for (const file of leftovers) await rm(file, { force: true });
    for (const { file, message } of corrupt) {
      const aside = `${file}${corruptSuffix}`;
      await rename(file, aside);
      logger.error({ file: aside }, `${file}: ${message}. It was set aside as ${aside}; its resource begins anew.`);
    }
  } catch (cause) {
    throw new KplugError('StorageFailed', `${folder} can't be tidied: ${messageOf(cause)}.`, { cause });
  }
  return states;
}

function refusal(directory: string, what: string, cause?: unknown): KplugError {
  const message = `The directory of resources ${directory} ${what}. Put that right or name another directory.`;
  return new KplugError('InvalidConfiguration', message, { cause });
}
