import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { CommandError } from '../command-error.ts';

/** Rejects when a directory contains files other than a Git repository. */
export async function requireEmpty(folder: string): Promise<void> {
  const names = await list(folder);
  const present = names.filter((name) => name !== '.git').sort();
  if (present.length === 0) return;
  const some = present.slice(0, 3).join(', ') + (present.length > 3 ? ', …' : '');
  const message = `the directory ${folder} is not empty: it contains ${some}; give a new or empty directory`;
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

/** Writes new files. Rejects when one already exists. */
export async function writeNewFiles(folder: string, files: ReadonlyMap<string, string>): Promise<void> {
  try {
    for (const [path, content] of files) {
      const file = join(folder, path);
      await mkdir(dirname(file), { recursive: true });
      await writeFile(file, content, { flag: 'wx' });
    }
  } catch (cause) {
    throw new CommandError('usage', `cannot write the files: ${(cause as Error).message}`, { cause });
  }
}
