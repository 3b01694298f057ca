import type { BigIntStats } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf } from '../../errors.ts';
import { fingerprintOf, identityOf } from '../../files/fingerprint.ts';
import { hasCode } from '../../files/system-error.ts';

const manifestName = /^[^.].*\.(ya?ml|json)$/i;

/** Manifest file of a directory. */
export interface ListedFile {
  /** Text that changes with the content of the file. */
  fingerprint: string;
  /** Missing when the metadata of the file can't be read. */
  stats?: BigIntStats;
  /** True for a link. */
  isLink: boolean;
}

/** Manifest files of a directory. Paths are relative to the directory, with `/`. */
export interface Listing {
  files: Map<string, ListedFile>;
  /** Folders that can be read, the directory itself (``) included. */
  folders: Map<string, BigIntStats>;
  /** Sub-folders that can't be read, with the reason. */
  unreadable: Map<string, string>;
  /** Links to files that don't exist. */
  dangling: Set<string>;
}

/**
 * Lists the manifest files of a directory and its sub-folders. Skips names with a leading dot. Follows links to files, but not links to
 * folders. Rejects when the directory itself can't be read.
 */
export async function listManifestFiles(directory: string): Promise<Listing> {
  const listing: Listing = { files: new Map(), folders: new Map(), unreadable: new Map(), dangling: new Set() };
  await listFolder(directory, '', listing);
  return listing;
}

async function listFolder(directory: string, folder: string, listing: Listing): Promise<void> {
  const entries = await readdir(join(directory, folder), { withFileTypes: true });
  listing.folders.set(folder, await stat(join(directory, folder), { bigint: true }));
  await Promise.all(
    entries.map(async (entry) => {
      const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
      if (entry.isDirectory() && !entry.name.startsWith('.')) await listSubfolder(directory, path, listing);
      else if (!entry.isDirectory() && manifestName.test(entry.name)) {
        await listFile(directory, path, entry.isSymbolicLink(), listing);
      }
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

async function listFile(directory: string, path: string, isLink: boolean, listing: Listing): Promise<void> {
  try {
    const stats = await stat(join(directory, path), { bigint: true });
    if (stats.isFile()) listing.files.set(path, { fingerprint: fingerprintOf(stats), stats, isLink });
  } catch (error) {
    // Reading the file will report the problem.
    if (!hasCode(error, 'ENOENT')) listing.files.set(path, { fingerprint: messageOf(error), isLink });
    else if (isLink) listing.dangling.add(path);
  }
}

/** Returns the identity of the folder of a file; `undefined` if the folder is missing or unreadable. */
export function folderIdentity(path: string, { folders }: Listing): string | undefined {
  const stats = folders.get(folderOf(path));
  return stats && identityOf(stats);
}

/** Returns the device of the closest existing folder above a file. It changes when a volume is mounted or unmounted. */
export function deviceAbove(path: string, { folders }: Listing): bigint | undefined {
  for (let folder = folderOf(path); ; folder = folderOf(folder)) {
    const stats = folders.get(folder);
    if (stats || folder === '') return stats?.dev;
  }
}

function folderOf(path: string): string {
  return path.includes('/') ? path.slice(0, path.lastIndexOf('/')) : '';
}
