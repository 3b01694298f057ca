import { readdir, readFile, stat } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { KplugError, messageOf } from '../../errors.ts';
import { hasCode } from '../../files/system-error.ts';
import { temporarySuffix } from '../../files/write-durably.ts';
import { limits } from '../../limits/limits.ts';
import { keyOf, type ResourceKey } from '../resource.ts';
import { parseState, type ResourceState, statesFolder } from './state-file.ts';
import { journalOf, readJournal, type StateJournal } from './state-journal.ts';

/** Suffix of an invalid file that was set aside. */
export const corruptSuffix = '.corrupt';

const { maxConcurrentReads: batchSize } = limits.directory;

/** States in Kplug's folder. */
export interface States {
  states: ResourceState[];
  journal: Pick<StateJournal, 'size' | 'compactedSize'>;
  /** Invalid state files, and damaged lines of the journal. */
  corrupt: { file: string; line?: number; message: string }[];
  /** Valid state files of an earlier version of Kplug. */
  earlier: string[];
  /** Temporary files of writes that a crash interrupted. */
  leftovers: string[];
}

/** Reads the states of all resources, without changing any file. Rejects with `StorageFailed`. */
export async function readStates(folder: string): Promise<States> {
  const file = journalOf(folder);
  const { states, corrupt, ...journal } = await readJournal(file);
  const result: States = {
    states: [],
    journal,
    corrupt: corrupt.map((one) => ({ file, ...one })),
    earlier: [],
    leftovers: [],
  };
  const temporary = `${file}${temporarySuffix}`;
  if ((await modifiedAt(temporary)) !== undefined) result.leftovers.push(temporary);
  await readEarlier(folder, states, result);
  result.states = [...states.values()].filter((state) => state !== undefined);
  return result;
}

/** Reads the state files of an earlier version. One counts only if that version wrote it after the journal. */
async function readEarlier(
  folder: string,
  states: Map<ResourceKey, ResourceState | undefined>,
  result: States,
): Promise<void> {
  const files: string[] = [];
  for (const file of await listFiles(join(folder, statesFolder))) {
    if (file.endsWith(temporarySuffix)) result.leftovers.push(file);
    else if (!file.endsWith(corruptSuffix)) files.push(file);
  }
  if (files.length === 0) return;
  const writtenAt = (await modifiedAt(journalOf(folder))) ?? Number.NEGATIVE_INFINITY;
  for (let start = 0; start < files.length; start += batchSize) {
    const batch = files.slice(start, start + batchSize);
    const read = await Promise.all(batch.map((file) => readState(file, folder, result)));
    for (const { state, at } of read.filter((one) => one !== undefined)) {
      const key = keyOf(state.resource);
      if (!states.has(key) || at > writtenAt) states.set(key, state);
    }
  }
}

async function readState(
  file: string,
  folder: string,
  result: States,
): Promise<{ state: ResourceState; at: number } | undefined> {
  let content: string;
  try {
    content = await readFile(file, 'utf8');
  } catch (cause) {
    // A running operator may have removed the file meanwhile.
    if (hasCode(cause, 'ENOENT')) return undefined;
    throw new KplugError('StorageFailed', `${file} can't be read: ${messageOf(cause)}.`, { cause });
  }
  try {
    const state = parseState(content, relative(folder, file));
    result.earlier.push(file);
    return { state, at: (await modifiedAt(file)) ?? 0 };
  } catch (error) {
    result.corrupt.push({ file, message: `Not a state file: ${messageOf(error)}` });
    return undefined;
  }
}

/** Returns the time of the last change of a file, in milliseconds since the epoch; `undefined` for a file that doesn't exist. */
async function modifiedAt(file: string): Promise<number | undefined> {
  try {
    return (await stat(file)).mtimeMs;
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR')) return undefined;
    throw error;
  }
}

async function listFiles(folder: string): Promise<string[]> {
  try {
    const entries = await readdir(folder, { recursive: true, withFileTypes: true });
    return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  } catch (cause) {
    if (hasCode(cause, 'ENOENT', 'ENOTDIR')) return [];
    throw new KplugError('StorageFailed', `${folder} can't be read: ${messageOf(cause)}.`, { cause });
  }
}
