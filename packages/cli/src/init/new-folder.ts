import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { CommandError } from '../command-error.ts';

/** Rejects when there is something in a folder that could be overwritten. A repository without a file is as good as nothing. */
export async function requireEmpty(folder: string): Promise<void> {
  const names = await list(folder);
  const present = names.filter((name) => name !== '.git').sort();
  if (present.length === 0) return;
  const some = present.slice(0, 3).join(', ') + (present.length > 3 ? ', …' : '');
  const message = `the folder ${folder} is not empty: there is ${some}; nothing was written. Name a new or an empty folder`;
  throw new CommandError('usage', message);
}

async function list(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw new CommandError('usage', `${folder} can't be made a plugin's folder: ${(cause as Error).message}`, {
      cause,
    });
  }
}

/** Writes files into a folder that has none of them. Rejects rather than write over one. */
export async function writeNewFiles(folder: string, files: ReadonlyMap<string, string>): Promise<void> {
  try {
    for (const [path, content] of files) {
      const file = join(folder, path);
      await mkdir(dirname(file), { recursive: true });
      await writeFile(file, content, { flag: 'wx' });
    }
  } catch (cause) {
    throw new CommandError('usage', `the files can't be written: ${(cause as Error).message}`, { cause });
  }
}
