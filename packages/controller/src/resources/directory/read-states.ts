import { readdir, readFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { KplugError, messageOf } from '../../errors.ts';
import { hasCode } from '../../files/system-error.ts';
import { temporarySuffix } from '../../files/write-durably.ts';
import { limits } from '../../limits/limits.ts';
import { parseState, type ResourceState, statesFolder } from './state-file.ts';

/** Suffix of an invalid state file that was set aside. */
export const corruptSuffix = '.corrupt';

const { maxConcurrentReads: batchSize } = limits.directory;

/** State files under `.kplug`. */
export interface States {
  states: ResourceState[];
  /** Files that are not valid state files. */
  corrupt: { file: string; message: string }[];
  /** Temporary files of writes that a crash interrupted. */
  leftovers: string[];
}

/** Reads the states of all resources, without changing any file. Rejects with `StorageFailed`. */
export async function readStates(folder: string): Promise<States> {
  const result: States = { states: [], corrupt: [], leftovers: [] };
  const files: string[] = [];
  for (const file of await listFiles(join(folder, statesFolder))) {
    if (file.endsWith(temporarySuffix)) result.leftovers.push(file);
    else if (!file.endsWith(corruptSuffix)) files.push(file);
  }
  for (let start = 0; start < files.length; start += batchSize) {
    await Promise.all(files.slice(start, start + batchSize).map((file) => readState(file, folder, result)));
  }
  return result;
}

async function readState(file: string, folder: string, result: States): Promise<void> {
  let content: string;
  try {
    content = await readFile(file, 'utf8');
  } catch (cause) {
    // A running operator may have removed the file meanwhile.
    if (hasCode(cause, 'ENOENT')) return;
    throw new KplugError('StorageFailed', `${file} can't be read: ${messageOf(cause)}.`, { cause });
  }
  try {
    result.states.push(parseState(content, relative(folder, file)));
  } catch (error) {
    result.corrupt.push({ file, message: `Not a state file: ${messageOf(error)}` });
  }
}

async function listFiles(folder: string): Promise<string[]> {
  try {
    const entries = await readdir(folder, { recursive: true, withFileTypes: true });
    return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  } catch (cause) {
    if (hasCode(cause, 'ENOENT')) return [];
    throw new KplugError('StorageFailed', `${folder} can't be read: ${messageOf(cause)}.`, { cause });
  }
}
