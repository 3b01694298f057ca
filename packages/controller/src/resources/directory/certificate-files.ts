import { createHash } from 'node:crypto';
import { mkdir, open, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { KplugError, messageOf } from '../../errors.ts';
import { checkPrivate } from '../../files/check-private.ts';
import { hasCode } from '../../files/system-error.ts';
import { writeDurably } from '../../files/write-durably.ts';
import { limits } from '../../limits/limits.ts';
import type { CertificateData, CertificateStore, StoredCertificates } from '../services/certificate-store.ts';
import { readText } from './read-text.ts';

const { maxFileSize } = limits.certificates;

/**
 * Stores the operator's certificates in a folder: `certificates.json` with the keys, which only the operator's user may read, and `ca.crt`
 * with the published bundle. One file has all of them, so that a crash leaves no key without its certificate. The folder belongs to one
 * operator, whose directory is locked.
 */
export class CertificateFiles implements CertificateStore {
  readonly #folder: string;

  /** @param folder path of the folder, whose parent exists. */
  constructor(folder: string) {
    this.#folder = folder;
  }

  get place(): string {
    return this.#file;
  }

  /** Path of the published bundle, for `KPLUG_TLS_CA` of plugins. */
  get bundleFile(): string {
    return join(this.#folder, 'ca.crt');
  }

  async read(): Promise<StoredCertificates | undefined> {
    const text = await this.#guard('read', () => readPrivate(this.#file, this.#folder));
    if (text === undefined) return undefined;
    try {
      return { data: z.record(z.string(), z.string()).parse(JSON.parse(text)), version: versionOf(text) };
    } catch (cause) {
      const message =
        `${this.#file} has no certificates that can be read. Restore it from a backup, or delete it and start the operator again: it makes ` +
        'another CA, which plugins have to be given.';
      throw new KplugError('InvalidConfiguration', message, { cause });
    }
  }

  async write(data: CertificateData, version: string | undefined): Promise<'written' | 'conflict'> {
    if ((await this.read())?.version !== version) return 'conflict';
    await this.#guard('written', async () => {
      await mkdir(this.#folder, { recursive: true, mode: 0o700 });
      await writeDurably(this.#file, `${JSON.stringify(data, null, 2)}\n`, this.#folder, { mode: 0o600 });
    });
    return 'written';
  }

  async publish(bundle: () => Promise<string>): Promise<'published' | 'unchanged'> {
    const text = await bundle();
    return this.#guard('written', async () => {
      if ((await readText(this.bundleFile)) === text) return 'unchanged';
      await writeDurably(this.bundleFile, text, this.#folder, { mode: 0o644 });
      return 'published';
    });
  }

  get #file(): string {
    return join(this.#folder, 'certificates.json');
  }

  async #guard<T>(done: 'read' | 'written', work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (cause) {
      if (cause instanceof KplugError) throw cause;
      const message = `The certificates in ${this.#folder} can't be ${done}: ${messageOf(cause)}`;
      throw new KplugError('StorageFailed', message, { cause });
    }
  }
}

/** Reads a file that only its owner may read; `undefined` when it doesn't exist. */
async function readPrivate(file: string, folder: string): Promise<string | undefined> {
  try {
    checkPrivate(folder, await stat(folder), 0o700);
    const handle = await open(file, 'r');
    try {
      const stats = await handle.stat();
      checkPrivate(file, stats, 0o600);
      if (stats.size > maxFileSize)
        throw new KplugError('InvalidConfiguration', `${file} is larger than ${maxFileSize} bytes`);
      return await handle.readFile('utf8');
    } finally {
      await handle.close();
    }
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined;
    throw error;
  }
}

function versionOf(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
