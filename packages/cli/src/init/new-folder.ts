import { mkdir, readdir, rm, rmdir, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { CommandError } from '../command-error.ts';

/** Rejects when a directory contains files other than a Git repository. */
export async function requireEmpty(folder: string): Promise<void> {
  const names = await list(folder);
  const present = names.filter((name) => name !== '.git').sort();
  if (present.length === 0) return;
  const some = present.slice(0, 3).join(', ') + (present.length > 3 ? ', …' : '');
  const place = folder === '.' ? 'the current directory' : `the directory ${folder}`;
  const message = `${place} is not empty: it contains ${some}; give a new or empty directory`;
  throw new CommandError('usage', message);
}

async function list(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw new CommandError('usage', `cannot use the directory ${folder}: ${(cause as Error).message}`, {
      cause,
    });
  }
}

/** Writes new files. Rejects when one already exists, or cannot be written; then it removes those that it has written. */
export async function writeNewFiles(folder: string, files: ReadonlyMap<string, string>): Promise<void> {
  const undo: (() => Promise<void>)[] = [];
  try {
    for (const [path, content] of files) {
      const file = join(resolve(folder), path);
      for (const made of await makeFolder(dirname(file))) undo.push(() => rmdir(made));
      // Before it is written, as a disk that is full leaves a part of it.
      await writeFile(file, '', { flag: 'wx' });
      undo.push(() => rm(file));
      await writeFile(file, content);
    }
  } catch (cause) {
    for (const step of undo.reverse()) await step().catch(() => undefined);
    throw new CommandError('usage', `cannot write the files: ${(cause as Error).message}`, { cause });
  }
}

/** Makes a folder and those above it. Returns the ones that did not exist, from the outermost to the innermost. */
async function makeFolder(folder: string): Promise<string[]> {
  const outermost = await mkdir(folder, { recursive: true });
  if (outermost === undefined) return [];
  const made = [folder];
  for (let above = dirname(folder); above.length >= outermost.length; above = dirname(above)) made.unshift(above);
  return made;
}
