import {
  lstat,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  readlink,
  rename,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { join } from 'node:path';
import { hasCode } from '../../files/system-error.ts';
import { limits, limitTable } from '../../limits/limits.ts';
import { readLimit } from '../../limits/read-limit.ts';
import { isExecutable } from '../commands.ts';
import { pluginFileName } from '../entry.ts';
import { readNature } from '../file-nature.ts';
import { FolderAccess } from '../folder-access.ts';
import { DownloadFailure } from './download-failure.ts';
import { fetchArchive } from './fetch-archive.ts';
import { folderNameOf, type PluginItem } from './item.ts';
import { type DownloadOptions, urlsOf } from './source.ts';
import { unpack } from './unpack.ts';

/** Folder of downloaded releases, in the plugins folder. */
const store = '.downloads';
/** File in a release that names its origin. */
const origin = '.kplug-origin.json';

/** Permissions of folders, whatever the umask allows. */
const folderMode = 0o755;

/** Another process may be installing a younger release. */
const { minUnusedAge } = limits.downloads;

/** Options of a download. */
export interface FetchPluginOptions extends DownloadOptions {
  /** Path of the plugins folder. */
  directory: string;
  /** Downloads into a folder that other users may change. Default false. */
  allowWritable?: boolean;
  /** Cancels the download. */
  signal?: AbortSignal;
  /** Receives the number of bytes received, and the total if the server announced it. */
  onProgress?: (received: number, total: number | undefined) => void;
  /** Called when the archive is complete, before it is checked and unpacked. */
  onUnpack?: () => void;
}

/** Plugin that is installed in the plugins folder. */
export interface FetchedPlugin {
  item: PluginItem;
  /** Path in the plugins folder. */
  path: string;
  /** True if the release was already installed. */
  kept: boolean;
  /** SHA-256 of the archive. */
  sha256: string;
}

/**
 * Downloads a plugin into the plugins folder unless it is already installed. The release goes into the folder `.downloads`; a link named
 * after organization and repository refers to it and is replaced atomically. Rejects with a `DownloadFailure`.
 */
export async function fetchPlugin(item: PluginItem, options: FetchPluginOptions): Promise<FetchedPlugin> {
  const { directory } = options;
  const maxBytes = readLimit(limitTable.downloads.maxArchiveSize, options.maxBytes);
  const unpackLimits = {
    maxBytes: readLimit(limitTable.downloads.maxContentSize, options.limits?.maxBytes),
    maxFiles: readLimit(limitTable.downloads.maxFiles, options.limits?.maxFiles),
    maxTime: readLimit(limitTable.downloads.unpackTimeout, options.limits?.maxTime),
  };
  const timeout = readLimit(limitTable.downloads.downloadTimeout, options.timeout);
  const path = join(directory, folderNameOf(item));
  const present = await findPresent(path, item);
  if (present) return { item, path, kept: true, sha256: present };
  const urls = urlsOf(item, options);
  await mkdir(join(directory, store), { recursive: true, mode: folderMode });
  const fault = await findStoreFault(directory, options.allowWritable);
  if (fault) throw new DownloadFailure('DownloadFailed', fault, true);
  const work = await mkdtemp(join(directory, store, '.fetch-'));
  try {
    const archive = join(work, 'archive.tar.gz');
    const { url, sha256 } = await fetchArchive(urls, archive, {
      ...options,
      maxBytes,
      timeout,
      isPinned: item.sha256 !== undefined,
    });
    options.onUnpack?.();
    if (item.sha256 && item.sha256 !== sha256) {
      const message = `${url} has the SHA-256 ${sha256}, but ${item.sha256} is required; nothing was unpacked`;
      throw new DownloadFailure('DownloadFailed', message, true);
    }
    const content = join(work, 'content');
    await mkdir(content, { mode: folderMode });
    await unpack(archive, content, unpackLimits, options.signal).catch((error: unknown) => {
      throw error instanceof Error && error.message.includes(archive)
        ? new DownloadFailure('DownloadFailed', error.message.replace(archive, url), true, { cause: error })
        : error;
    });
    await describe(content, url);
    await writeFile(join(content, origin), `${JSON.stringify({ url, release: item.release, sha256 }, null, 2)}\n`);
    await place(content, path, `${folderNameOf(item)}@${item.release}-${sha256.slice(0, 12)}`);
    return { item, path, kept: false, sha256 };
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/**
 * Removes releases without a link, and leftovers of interrupted downloads. Must not run while plugins of the folder are running. Removes
 * nothing if others may change the folder, unless that is allowed.
 */
export async function removeUnused(directory: string, allowWritable = false): Promise<void> {
  if (await findStoreFault(directory, allowWritable)) return;
  const names = await readdir(join(directory, store)).catch(() => []);
  const entries = await readdir(directory).catch(() => []);
  const targets = await Promise.all(entries.map((entry) => readlink(join(directory, entry)).catch(() => '')));
  for (const name of names) {
    const path = join(directory, store, name);
    const isNew = Date.now() - ((await stat(path).catch(() => undefined))?.mtimeMs ?? 0) < minUnusedAge;
    if (!isNew && !targets.includes(join(store, name))) await rm(path, { recursive: true, force: true });
  }
}

/** Returns the reason why no releases are written or removed, if there is one. */
async function findStoreFault(directory: string, allowWritable = false): Promise<string | undefined> {
  const fault = await new FolderAccess(directory, allowWritable).findFolderFault();
  if (fault) return fault;
  const path = join(directory, store);
  // The target of a link is somebody else's folder.
  const stats = await lstat(path).catch(() => undefined);
  return !stats || stats.isDirectory() ? undefined : `${path} is not a folder; remove it`;
}

/** Returns the SHA-256 of the installed release, if it is the required one. */
async function findPresent(path: string, { release, sha256 }: PluginItem): Promise<string | undefined> {
  try {
    await readlink(path);
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined;
    if (!hasCode(error, 'EINVAL')) throw error;
    throw new DownloadFailure('DownloadFailed', `${path} already exists and was not downloaded; move it away`, true);
  }
  const present = await readOrigin(join(path, origin));
  return present.release === release && (!sha256 || present.sha256 === sha256) ? present.sha256 : undefined;
}

/** Reads the origin of a release. A file that someone has changed or removed says nothing. */
async function readOrigin(file: string): Promise<{ release?: string; sha256?: string }> {
  try {
    return JSON.parse(await readFile(file, 'utf8'));
  } catch {
    return {};
  }
}

/** Writes a `plugin.yaml` for a release that has none and contains exactly one program. */
async function describe(content: string, url: string): Promise<void> {
  const names = (await readdir(content)).filter((name) => !name.startsWith('.'));
  if (names.includes(pluginFileName)) return;
  const programs: string[] = [];
  for (const name of names) if (await isProgram(join(content, name))) programs.push(name);
  const [program, ...others] = programs;
  if (program && others.length === 0) {
    return writeFile(join(content, pluginFileName), `command: ${JSON.stringify(`./${program}`)}\n`);
  }
  const found = programs.length > 0 ? `several programs (${programs.join(', ')})` : 'no program';
  const message = `${url} has no ${pluginFileName} at its top level, and ${found}; its author has to add the file`;
  throw new DownloadFailure('DownloadFailed', message, true);
}

async function isProgram(path: string): Promise<boolean> {
  if (!(await stat(path)).isFile()) return false;
  const nature = await readNature(path);
  return nature !== 'other' && nature !== 'empty' && (await isExecutable(path));
}

/** Installs a release and points the link to it. A link can be replaced atomically, and a running former release keeps its files. */
async function place(content: string, path: string, release: string): Promise<void> {
  const folder = join(path, '..', store, release);
  await rm(folder, { recursive: true, force: true });
  await rename(content, folder);
  const link = join(content, '..', 'link');
  await symlink(join(store, release), link);
  await rename(link, path);
}
