import { open, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { KplugError, messageOf } from '../errors.ts';
import { checkPrivate } from '../files/check-private.ts';
import { hasCode } from '../files/system-error.ts';
import { limits } from '../limits/limits.ts';
import type { CertificateData, CertificateReader } from '../resources/services/certificate-store.ts';

const { maxFileSize } = limits.certificates;

/** Reads a certificate from the files `tls.crt`, `tls.key` and `ca.crt` of a folder, such as a mounted Secret. */
export class CertificateFolder implements CertificateReader {
  readonly place: string;

  constructor(folder: string) {
    this.place = folder;
  }

  async read(): Promise<CertificateData | undefined> {
    // Kubelets swap this link, so that files below its target belong together. Only the pod's processes see them.
    const volume = await realpath(join(this.place, '..data')).catch(() => undefined);
    const names = ['tls.crt', 'tls.key', 'ca.crt'];
    const entries = await Promise.all(
      names.map(async (name) => {
        const isSecret = name === 'tls.key' && volume === undefined;
        return [name, await readLimited(join(volume ?? this.place, name), isSecret)] as const;
      }),
    );
    const found = entries.filter((entry): entry is readonly [string, string] => entry[1] !== undefined);
    return found.length > 0 ? Object.fromEntries(found) : undefined;
  }
}

/** Reads a file up to the size limit; `undefined` when it doesn't exist. */
async function readLimited(path: string, isSecret: boolean): Promise<string | undefined> {
  try {
    const handle = await open(path, 'r');
    try {
      const stats = await handle.stat();
      if (isSecret) checkPrivate(path, stats, 0o600);
      if (stats.size > maxFileSize)
        throw new KplugError('InvalidConfiguration', `${path} is larger than ${maxFileSize} bytes`);
      return await handle.readFile('utf8');
    } finally {
      await handle.close();
    }
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR')) return undefined;
    if (error instanceof KplugError) throw error;
    throw new KplugError('StorageFailed', `${path} can't be read: ${messageOf(error)}`, { cause: error });
  }
}
