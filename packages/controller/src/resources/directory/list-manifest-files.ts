import type { BigIntStats } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf } from '../../errors.ts';
import { fingerprintOf, identityOf } from '../../files/fingerprint.ts';
import { hasCode } from '../../files/system-error.ts';
import type { Doubt } from './judge-change.ts';

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
  /** Results of `foldersAbove`, by folder, which files share. */
  above: Map<string, readonly FolderAbove[]>;
}

/**
 * Lists the manifest files of a directory and its sub-folders. Skips names with a leading dot. Follows links to files, but not links to
 * folders. Rejects when the directory itself can't be read.
 */
export async function listManifestFiles(directory: string): Promise<Listing> {
  const listing: Listing = {
    files: new Map(),
    folders: new Map(),
    unreadable: new Map(),
    dangling: new Set(),
    above: new Map(),
  };
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

/** A folder above a file. */
export interface FolderAbove {
  /** Path relative to the directory; empty for the directory itself. */
  path: string;
  identity: string;
  device: bigint;
}

/** Returns the existing folders above a file, the directory itself first. */
export function foldersAbove(path: string, { folders, above }: Listing): readonly FolderAbove[] {
  const own = path.slice(0, Math.max(0, path.lastIndexOf('/')));
  const known = above.get(own);
  if (known) return known;
  const found: FolderAbove[] = [];
  above.set(own, found);
  for (let end = 0; end >= 0; end = path.indexOf('/', end + 1)) {
    const folder = path.slice(0, end);
    const stats = folders.get(folder);
    if (stats) found.push({ path: folder, identity: identityOf(stats), device: stats.dev });
  }
  return found;
}

const missingTarget: Doubt = {
  reason: 'The file is a link to a missing file.',
  remedy: 'restore the target, or delete the link to delete them',
};

const missingFolder: Doubt = {
  reason: 'The folder of the file is gone or empty, as after a volume was unmounted.',
  remedy: 'mount the volume or restore the folder; then delete single files to delete their resources',
};

/**
 * Returns the reason why a missing file may not have been deleted: a link without its target, or a volume that may have been unmounted.
 * @param before the folders above the file when it existed
 */
export function doubtAbout(path: string, before: readonly FolderAbove[], listing: Listing): Doubt | undefined {
  if (listing.dangling.has(path)) return missingTarget;
  const now = foldersAbove(path, listing);
  const closest = now.at(-1);
  const [former, next] = before.slice(now.length - 1);
  if (!closest || !former) return undefined;
  // The mount point may be removed with the volume, and is an empty folder otherwise.
  const isMountPointGone = next !== undefined && next.device !== former.device;
  const isOther = closest.identity !== former.identity;
  if (!isMountPointGone && !(isOther && (closest.device !== former.device || isEmpty(closest.path, listing))))
    return undefined;
  return missingFolder;
}

function isEmpty(folder: string, { files }: Listing): boolean {
  return folder === '' ? files.size === 0 : ![...files.keys()].some((path) => path.startsWith(`${folder}/`));
}
