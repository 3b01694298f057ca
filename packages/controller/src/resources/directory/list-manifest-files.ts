import type { BigIntStats } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf } from '../../errors.ts';
import { hasCode } from './write-durably.ts';

const manifestName = /^[^.].*\.(ya?ml|json)$/i;

/** The manifest files of a directory as they are now. Paths are below the directory, with `/`. */
export interface Listing {
  /** What tells one content of a file from another, by path. */
  fingerprints: Map<string, string>;
  /** Sub-folders that can't be looked into, and why. */
  unreadable: Map<string, string>;
}

/** The fingerprint of a file that is empty, as files are for a moment while they are saved. */
export const emptyFingerprint = 'empty';

/**
 * Lists the manifest files of a directory and its sub-folders. Files and folders whose name begins with a dot are passed over;
 * links to files are followed, links to folders aren't. Rejects when the directory itself can't be read.
 */
export async function listManifestFiles(directory: string): Promise<Listing> {
  const listing: Listing = { fingerprints: new Map(), unreadable: new Map() };
  await listFolder(directory, '', listing);
  return listing;
}

/** What tells one content of a file from another. */
export function fingerprintOf({ dev, ino, size, mtimeNs, ctimeNs }: BigIntStats): string {
  return size === 0n ? emptyFingerprint : `${dev}:${ino}:${size}:${mtimeNs}:${ctimeNs}`;
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
    // Reading it will tell what is the matter with a file that is there.
    if (!hasCode(error, 'ENOENT')) listing.fingerprints.set(path, messageOf(error));
  }
}
