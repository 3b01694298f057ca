import { readFile } from 'node:fs/promises';
import { CommandError } from '../command-error.ts';
import type { Connection, OperatorChoice } from './operator-place.ts';

/** Reads the token and the CA for an admin port of another machine. Rejects with a `CommandError`. */
export async function readAdminAccess({ admin = '', adminTokenFile, adminCa }: OperatorChoice): Promise<Connection> {
  if (adminTokenFile !== undefined && !admin.startsWith('https://')) {
    throw new CommandError(
      'usage',
      `--admin-token-file is sent by TLS only, and --admin ${admin} is not an https:// URL`,
    );
  }
  const token = adminTokenFile === undefined ? undefined : (await read('--admin-token-file', adminTokenFile)).trim();
  return {
    ...(token !== undefined && { headers: { authorization: `Bearer ${token}` } }),
    ...(adminCa !== undefined && { tls: { ca: await read('--admin-ca', adminCa) } }),
  };
}

async function read(option: string, file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    throw new CommandError('usage', `the file of ${option} can't be read: ${(cause as Error).message}`, { cause });
  }
}
