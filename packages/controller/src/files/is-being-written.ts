import { readdir, readFile, readlink, realpath } from 'node:fs/promises';

/** Bits of the open flags that hold the access mode; 0 is read-only. */
const accessMode = 0b11;

/**
 * Reports whether a process has one of some files open for writing. It sees, by `/proc`, the processes of this user on this machine:
 * not those of other users or machines, and none on systems without `/proc`.
 */
export async function isBeingWritten(files: readonly string[]): Promise<boolean> {
  const paths = new Set(await Promise.all(files.map((file) => realpath(file).catch(() => file))));
  const processes = (await namesIn('/proc')).filter((name) => /^\d+$/.test(name));
  for (const process of processes) {
    for (const descriptor of await namesIn(`/proc/${process}/fd`)) {
      const target = await readlink(`/proc/${process}/fd/${descriptor}`).catch(() => '');
      if (paths.has(target) && (await isForWriting(process, descriptor))) return true;
    }
  }
  return false;
}

async function isForWriting(process: string, descriptor: string): Promise<boolean> {
  const text = await readFile(`/proc/${process}/fdinfo/${descriptor}`, 'utf8').catch(() => '');
  const [, flags = '0'] = /^flags:\s*([0-7]+)/m.exec(text) ?? [];
  return (Number.parseInt(flags, 8) & accessMode) !== 0;
}

/** Returns no names for a process that has ended or belongs to another user. */
async function namesIn(folder: string): Promise<string[]> {
  return await readdir(folder).catch(() => []);
}
