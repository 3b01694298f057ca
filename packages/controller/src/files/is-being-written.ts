import { readdir, readFile, readlink, stat } from 'node:fs/promises';
import { identityOf } from './fingerprint.ts';

/** Bits of the open flags that hold the access mode; 0 is read-only. */
const accessMode = 0b11;

/**
 * Reports whether a process has one of some files open for writing. It sees, by `/proc`, the processes of this user on this machine:
 * not those of other users or machines, and none on systems without `/proc`.
 */
export async function isBeingWritten(files: readonly string[]): Promise<boolean> {
  const identities = await Promise.all(
    files.map(async (file) => {
      const stats = await stat(file, { bigint: true }).catch(() => undefined);
      return stats && identityOf(stats);
    }),
  );
  return (await findWritten(new Set(identities.filter((identity) => identity !== undefined)))).size > 0;
}

/** Returns those files, by their identities, that a process has open for writing. Sees the same processes as `isBeingWritten`. */
export async function findWritten(identities: ReadonlySet<string>): Promise<Set<string>> {
  const written = new Set<string>();
  if (identities.size === 0) return written;
  const processes = (await namesIn('/proc')).filter((name) => /^\d+$/.test(name));
  await Promise.all(
    processes.map(async (process) => {
      const folder = `/proc/${process}/fd`;
      for (const descriptor of await namesIn(folder)) {
        const identity = await identityOfOpenFile(`${folder}/${descriptor}`);
        if (identity === undefined || !identities.has(identity) || written.has(identity)) continue;
        if (await isForWriting(process, descriptor)) written.add(identity);
      }
    }),
  );
  return written;
}

/** Returns the identity of the file of a descriptor; the path of the file differs between containers. */
async function identityOfOpenFile(link: string): Promise<string | undefined> {
  const target = await readlink(link).catch(() => '');
  // Most descriptors are sockets, pipes and devices.
  if (!target.startsWith('/') || target.startsWith('/dev/')) return undefined;
  const stats = await stat(link, { bigint: true }).catch(() => undefined);
  return stats && identityOf(stats);
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
