import { readdir, readFile, readlink } from 'node:fs/promises';

/** The last two bits of what a file was opened with: 0 is for reading only. */
const accessMode = 0b11;

/**
 * Which of some files a process of this user has open for writing, as far as `/proc` tells; none where there is no `/proc`.
 * Processes of other users and of other machines aren't seen.
 */
export async function openForWriting(files: ReadonlySet<string>): Promise<string | undefined> {
  const processes = (await namesIn('/proc')).filter((name) => /^\d+$/.test(name));
  for (const process of processes) {
    for (const descriptor of await namesIn(`/proc/${process}/fd`)) {
      const target = await readlink(`/proc/${process}/fd/${descriptor}`).catch(() => '');
      if (files.has(target) && (await isForWriting(process, descriptor))) return target;
    }
  }
  return undefined;
}

async function isForWriting(process: string, descriptor: string): Promise<boolean> {
  const text = await readFile(`/proc/${process}/fdinfo/${descriptor}`, 'utf8').catch(() => '');
  const [, flags = '0'] = /^flags:\s*([0-7]+)/m.exec(text) ?? [];
  return (Number.parseInt(flags, 8) & accessMode) !== 0;
}

/** What can't be listed has ended meanwhile, or belongs to somebody else. */
async function namesIn(folder: string): Promise<string[]> {
  return await readdir(folder).catch(() => []);
}
