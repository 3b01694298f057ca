import { z } from 'zod';
import { openFile } from '../../files/open-file.ts';
import { hasCode } from '../../files/system-error.ts';

const holderSchema = z.object({
  pid: z.int().positive(),
  host: z.string(),
  token: z.string(),
  bootId: z.string().optional(),
  pidNamespace: z.string().optional(),
  startTime: z.string().optional(),
  /** Time at which the lock was acquired, as in RFC 3339. */
  since: z.string().optional(),
  /** Interval at which the holder refreshes the lock, in milliseconds. Earlier versions of Kplug don't write it. */
  refreshInterval: z.number().positive().optional(),
});

/** Holder of a lock. */
export type LockHolder = z.infer<typeof holderSchema>;

/** Content of a lock file at one moment. */
export interface LockFile {
  /** `undefined` when the content is not that of a lock: it is being written, or a crash interrupted that. */
  holder: LockHolder | undefined;
  /** ID of the lock that the file stands for. */
  id: string;
  /** Time of the last refresh, in milliseconds since the epoch. */
  refreshedAt: number;
  /** Differs between two refreshes. */
  version: string;
}

/** Reads a lock file; `undefined` when there is none. */
export async function readLockFile(file: string): Promise<LockFile | undefined> {
  try {
    // Network file systems read the metadata again when a file is opened.
    await using opened = await openFile(file);
    const { handle } = opened;
    const content = await handle.readFile('utf8');
    const { ino, mtimeMs, mtimeNs, size } = await handle.stat({ bigint: true });
    const holder = parseHolder(content);
    return {
      holder,
      id: holder?.token ?? `unreadable-${ino}`,
      refreshedAt: Number(mtimeMs),
      version: `${ino}:${mtimeNs}:${size}`,
    };
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR')) return undefined;
    throw error;
  }
}

function parseHolder(content: string): LockHolder | undefined {
  try {
    return holderSchema.parse(JSON.parse(content));
  } catch {
    return undefined;
  }
}
