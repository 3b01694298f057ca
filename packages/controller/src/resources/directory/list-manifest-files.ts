import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf } from '../../errors.ts';
import { fingerprintOf } from '../../files/fingerprint.ts';
import { hasCode } from '../../files/system-error.ts';

const manifestName = /^[^.].*\.(ya?ml|json)$/i;

/** Manifest files of a directory. Paths are relative to the directory, with `/`. */
export interface Listing {
  /** Fingerprints by path. A fingerprint changes with the content of its file. */
  fingerprints: Map<string, string>;
  /** Sub-folders that can't be read, with the reason. */
  unreadable: Map<string, string>;
}

/**
 * Lists the manifest files of a directory and its sub-folders. Skips names with a leading dot. Follows links to files, but not links to
 * folders. Rejects when the directory itself can't be read.
 */
export async function listManifestFiles(directory: string): Promise<Listing> {
  const listing: Listing = { fingerprints: new Map(), unreadable: new Map() };
  await listFolder(directory, '', listing);
  return listing;
}

async function listFolder(directory: string, folder: string, listing: Listing): Promise<void> {
  const entries = await readdir(join(directory, folder), { withFileTypes: true });
  await Promise.all(
    entries.map(async (entry) => {
      const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
      if (entry.isDirectory() && !entry.name.startsWith('.')) await listSubfolder(directory, path, listing);
      else if (!entry.isDirectory() && manifestName.test(entry.name)) await listFile(directory, path, listing);
    }),
  );
}

async function listSubfolder(directory: string, path: string, listing: Listing): Promise<void> {
  try {
    await listFolder(directory, path, listing);
  } catch (error) {
    if (!hasCode(error, 'ENOENT', 'ENOTDIR')) listing.unreadable.set(path, messageOf(error));
  }
}

async function listFile(directory: string, path: string, listing: Listing): Promise<void> {
  try {
    const stats = await stat(join(directory, path), { bigint: true });
    if (stats.isFile()) listing.fingerprints.set(path, fingerprintOf(stats));
  } catch (error) {
    // Reading the file will report the problem.
    if (!hasCode(error, 'ENOENT')) listing.fingerprints.set(path, messageOf(error));
  }
}
