import { readdir, readFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { KplugError, messageOf } from '../../errors.ts';
import { parseState, type ResourceState, statesFolder } from './state-file.ts';
import { hasCode, temporarySuffix } from './write-durably.ts';

/** How the name of a file ends that was set aside, as it couldn't be understood. */
export const corruptSuffix = '.corrupt';

/** How many files are read at a time. */
const batch = 64;

/** What is under `.kplug`. */
export interface States {
  states: ResourceState[];
  /** Files that can be read but not understood. */
  corrupt: { file: string; message: string }[];
  /** Files left over from writes that a crash cut short. */
  leftovers: string[];
}

/** Reads the state of all resources, and changes nothing. Rejects with `StorageFailed`. */
export async function readStates(folder: string): Promise<States> {
  const result: States = { states: [], corrupt: [], leftovers: [] };
  const files: string[] = [];
  for (const file of await listFiles(join(folder, statesFolder))) {
    if (file.endsWith(temporarySuffix)) result.leftovers.push(file);
    else if (!file.endsWith(corruptSuffix)) files.push(file);
  }
  for (let start = 0; start < files.length; start += batch) {
    await Promise.all(files.slice(start, start + batch).map((file) => readState(file, folder, result)));
  }
  return result;
}

async function readState(file: string, folder: string, result: States): Promise<void> {
  let content: string;
  try {
    content = await readFile(file, 'utf8');
  } catch (cause) {
    // A running operator may have removed it meanwhile.
    if (hasCode(cause, 'ENOENT')) return;
    throw new KplugError('StorageFailed', `${file} can't be read: ${messageOf(cause)}.`, { cause });
  }
  try {
    result.states.push(parseState(content, relative(folder, file)));
  } catch (error) {
    result.corrupt.push({ file, message: `This is not the state of a resource: ${messageOf(error)}` });
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
