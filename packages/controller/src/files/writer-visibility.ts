import type { BigIntStats } from 'node:fs';
import { readlink, stat, statfs } from 'node:fs/promises';

/** Link of `/proc` to the namespace of processes of the machine itself. Containers have other ones. */
const machineNamespace = 'pid:[4026531836]';

/** Types of file systems that other machines may write: NFS, SMB, CIFS, FUSE, 9P, AFS, Ceph, OCFS2, GFS2. */
const sharedTypes = new Set([
  0x6969, 0x517b, 0xfe534d42, 0xff534d42, 0x65735546, 0x01021997, 0x5346414f, 0x00c36400, 0x7461636f, 0x01161970,
]);

/** Reports whether all processes that are expected to write a file are visible to `findWritten`. */
type WriterVisibility = (file: Pick<BigIntStats, 'uid' | 'gid' | 'mode' | 'dev'>) => boolean;

/**
 * Determines for the files of a directory whether their writers are visible to `findWritten`. They aren't without `/proc`, for files
 * that other users may write, on file systems that other machines may write, and for a container on volumes that it may share.
 */
export async function findWriterVisibility(directory: string): Promise<WriterVisibility> {
  const namespace = await readlink('/proc/self/ns/pid').catch(() => undefined);
  if (namespace === undefined || (await isShared(directory))) return () => false;
  const ownDevice = namespace === machineNamespace ? undefined : (await stat('/', { bigint: true })).dev;
  const user = BigInt(process.getuid?.() ?? -1);
  const group = BigInt(process.getgid?.() ?? -1);
  return ({ uid, gid, mode, dev }) => {
    if (ownDevice !== undefined && dev !== ownDevice) return false;
    return uid === user && (mode & 0o002n) === 0n && ((mode & 0o020n) === 0n || gid === group);
  };
}

async function isShared(directory: string): Promise<boolean> {
  const { type } = await statfs(directory);
  return sharedTypes.has(type >>> 0);
}
