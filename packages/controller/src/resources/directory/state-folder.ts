import { copyFile, mkdir, readdir, realpath, rename, rm, rmdir, stat, writeFile } from 'node:fs/promises';
import { dirname, isAbsolute, join, relative, resolve, sep } from 'node:path';
import type { Logger } from 'pino';
import { z } from 'zod';
import { KplugError, messageOf } from '../../errors.ts';
import { hasCode } from '../../files/system-error.ts';
import { syncFolder, writeDurably } from '../../files/write-durably.ts';
import { corruptSuffix, readStates, type States } from './read-states.ts';
import { readText } from './read-text.ts';
import { statesFolder } from './state-file.ts';

/** Returns the folder in which the states of a directory of manifests are stored. @param stateDir Default: `.kplug` in the directory. */
export function stateFolderOf(directory: string, stateDir?: string): string {
  return stateDir ?? join(directory, '.kplug');
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

/** Makes the folder of the states of a directory. Rejects with `InvalidConfiguration` when it can't be written. */
export async function makeStateFolder(directory: string, stateDir?: string): Promise<string> {
  const folder = stateFolderOf(directory, stateDir);
  if (stateDir !== undefined) checkPlace(directory, stateDir);
  try {
    // A missing directory of manifests isn't made.
    if (await isMade(mkdir(folder, { recursive: stateDir !== undefined }))) await syncFolder(dirname(folder));
    // The states belong to this machine and change all the time.
    await isMade(writeFile(join(folder, '.gitignore'), '*\n', { flag: 'wx' }));
    return folder;
  } catch (cause) {
    const problem = `can't be written (${messageOf(cause)})`;
    if (stateDir === undefined) {
      const message =
        `The directory of manifests ${directory} ${problem}. States are stored in ${folder} by default; ` +
        'give another folder for them with --state-dir (stateDir in code).';
      throw new KplugError('InvalidConfiguration', message, { cause });
    }
    const message = `The state directory ${stateDir} ${problem}. Fix that, or use another one with --state-dir (stateDir in code).`;
    throw new KplugError('InvalidConfiguration', message, { cause });
  }
}

/** Returns false when a file or folder that is being made exists already. */
async function isMade(making: Promise<unknown>): Promise<boolean> {
  try {
    await making;
    return true;
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return false;
    throw error;
  }
}

/** Rejects with `InvalidConfiguration` if files of the state directory would count as manifests. Names with a leading dot don't. */
function checkPlace(directory: string, stateDir: string): void {
  const path = relative(directory, stateDir);
  const isOutside = path === '..' || path.startsWith(`..${sep}`) || isAbsolute(path);
  if (isOutside || path.split(sep).some((name) => name.startsWith('.'))) return;
  const message =
    `The state directory ${stateDir} is in the directory of manifests ${directory}, where its files would count as manifests. ` +
    'Use a folder outside of it, or one whose name begins with a dot.';
  throw new KplugError('InvalidConfiguration', message);
}

/**
 * Binds a state directory to a directory of manifests, as the states of one would delete the resources of another. Rejects with
 * `InvalidConfiguration` when it is bound to another one. A link whose target changes stays the same directory.
 */
export async function bindStateDir(directory: string, stateDir: string): Promise<void> {
  if (await isBoundTo(directory, stateDir)) return;
  await writeDurably(bindingOf(stateDir), `${JSON.stringify({ manifests: resolve(directory) })}\n`, stateDir);
}

function bindingOf(stateDir: string): string {
  return join(stateDir, 'directory.json');
}

/** Returns false when a state directory isn't bound yet. Rejects with `InvalidConfiguration` when it is bound to another directory. */
export async function isBoundTo(directory: string, stateDir: string): Promise<boolean> {
  const file = bindingOf(stateDir);
  const bound = await readBinding(file);
  if (bound === undefined) return false;
  if (bound === resolve(directory) || (await isSameFolder(bound, directory))) return true;
  const message =
    `The state directory ${stateDir} belongs to the directory of manifests ${bound}, not to ${resolve(directory)}. Use another state ` +
    `directory (--state-dir, or stateDir in code). If the manifests were moved, delete ${file}.`;
  throw new KplugError('InvalidConfiguration', message);
}

async function readBinding(file: string): Promise<string | undefined> {
  const text = await readText(file);
  if (text === undefined) return undefined;
  try {
    return z.object({ manifests: z.string() }).parse(JSON.parse(text)).manifests;
  } catch (cause) {
    const message = `${file} doesn't name a directory of manifests. Delete it if the state directory belongs to your manifests.`;
    throw new KplugError('InvalidConfiguration', message, { cause });
  }
}

async function isSameFolder(one: string, other: string): Promise<boolean> {
  const [first, second] = await Promise.all([one, other].map((path) => realpath(path).catch(() => undefined)));
  return first !== undefined && first === second;
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
