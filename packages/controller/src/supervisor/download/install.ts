import { mkdir, mkdtemp, readdir, readFile, readlink, rename, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { hasCode } from '../../resources/directory/write-durably.ts';
import { isExecutable } from '../commands.ts';
import { pluginFileName } from '../entry.ts';
import { lookIntoFile } from '../whole-file.ts';
import { DownloadFailure } from './download-failure.ts';
import { type FetchOptions, fetchArchive } from './fetch-archive.ts';
import { folderNameOf, type PluginItem } from './item.ts';
import { type DownloadSource, urlsOf } from './source.ts';
import { type UnpackLimits, unpack } from './unpack.ts';

/** Where releases are kept, in the plugins folder. */
const store = '.downloads';
/** What says in a release where it came from. */
const origin = '.kplug-origin.json';

/** How plugins are fetched. */
export interface FetchPluginOptions extends DownloadSource {
  /** The plugins folder. */
  directory: string;
  /** How many bytes an archive may have. Default 256 MiB. */
  maxBytes?: number;
  /** How much it may hold. Default 1 GiB, in 20,000 files. */
  limits?: UnpackLimits;
  signal?: AbortSignal;
  /** Hears how many bytes have come, and how many there are, if that is known. */
  onProgress?: FetchOptions['onProgress'];
  /** Hears when all have come, and are checked and unpacked. */
  onUnpack?: () => void;
}

/** A plugin that is in the plugins folder. */
export interface FetchedPlugin {
  item: PluginItem;
  /** Where it is. */
  path: string;
  /** Whether it was there already. */
  kept: boolean;
  /** What its archive had. */
  sha256: string;
}

/**
 * Fetches a plugin into the plugins folder unless it is there, and puts it in place in one step: in the folder `.downloads`, with a
 * link to it by its organization and repository. Rejects with a `DownloadFailure`.
 */
export async function fetchPlugin(item: PluginItem, options: FetchPluginOptions): Promise<FetchedPlugin> {
  const { directory, maxBytes = 256 * 2 ** 20, limits = { maxBytes: 2 ** 30, mostFiles: 20_000 } } = options;
  const path = join(directory, folderNameOf(item));
  const present = await findPresent(path, item);
  if (present) return { item, path, kept: true, sha256: present };
  const urls = urlsOf(item, options);
  await mkdir(join(directory, store), { recursive: true });
  const work = await mkdtemp(join(directory, store, '.fetch-'));
  try {
    const archive = join(work, 'archive.tar.gz');
    const { url, sha256 } = await fetchArchive(urls, archive, { ...options, maxBytes });
    options.onUnpack?.();
    if (item.sha256 && item.sha256 !== sha256) {
      const message = `${url} has the SHA-256 ${sha256}, but ${item.sha256} is demanded; nothing of it was unpacked`;
      throw new DownloadFailure('DownloadFailed', message, true);
    }
    const content = join(work, 'content');
    await mkdir(content);
    await unpack(archive, content, limits).catch((error: unknown) => {
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

/** Removes releases that no link leads to, and what is left of downloads that were cut off. Nothing of them must run. */
export async function removeUnused(directory: string): Promise<void> {
  const names = await readdir(join(directory, store)).catch(() => []);
  const entries = await readdir(directory).catch(() => []);
  const targets = await Promise.all(entries.map((entry) => readlink(join(directory, entry)).catch(() => '')));
  const day = 24 * 3_600_000;
  for (const name of names) {
    const path = join(directory, store, name);
    // Somebody else may be fetching into the same folder just now.
    const isNew = Date.now() - ((await stat(path).catch(() => undefined))?.mtimeMs ?? 0) < day;
    if (!isNew && !targets.includes(join(store, name))) await rm(path, { recursive: true, force: true });
  }
}

/** The SHA-256 of the release that is in place, if it is the one that is wanted. */
async function findPresent(path: string, { release, sha256 }: PluginItem): Promise<string | undefined> {
  try {
    await readlink(path);
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined;
    if (!hasCode(error, 'EINVAL')) throw error;
    throw new DownloadFailure('DownloadFailed', `${path} is there, and was not fetched; move it away`, true);
  }
  const text = await readFile(join(path, origin), 'utf8').catch(() => '{}');
  const present = JSON.parse(text) as { release?: string; sha256?: string };
  return present.release === release && (!sha256 || present.sha256 === sha256) ? present.sha256 : undefined;
}

/** A release that holds nothing but one program needs no `plugin.yaml` of its own. */
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
  const message = `${url} has no ${pluginFileName} at its top, and ${found}; its author has to add one`;
  throw new DownloadFailure('DownloadFailed', message, true);
}

async function isProgram(path: string): Promise<boolean> {
  if (!(await stat(path)).isFile()) return false;
  const { nature } = await lookIntoFile(path);
  return nature !== 'other' && nature !== 'empty' && (await isExecutable(path));
}

/** A link can be replaced in one step, and whatever runs from the former release keeps its files. */
async function place(content: string, path: string, release: string): Promise<void> {
  const folder = join(path, '..', store, release);
  await rm(folder, { recursive: true, force: true });
  await rename(content, folder);
  const link = join(content, '..', 'link');
  await symlink(join(store, release), link);
  await rename(link, path);
}
