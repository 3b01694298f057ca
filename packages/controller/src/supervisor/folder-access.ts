import { opendir, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { messageOf } from '../errors.ts';
import { describeExposure, type Exposure } from '../files/exposure.ts';
import { hasCode } from '../files/system-error.ts';
import { findWritableByOthers, findWritableEntry } from '../files/writable-by-others.ts';
import { limits } from '../limits/limits.ts';

const { maxCheckedFiles } = limits.pluginsFolder;

/** Code that modules and Python files of the folder import, beside files with a leading `_`. */
const shared = /^_|^(?:node_modules|package\.json)$/;

/** Check that only the operator's user and root may change what is run from the plugins folder. */
export class FolderAccess {
  readonly #directory: string;
  readonly #isWritableAllowed: boolean;

  /** @param isWritableAllowed true to allow files and folders that others may change. */
  constructor(directory: string, isWritableAllowed: boolean) {
    this.#directory = directory;
    this.#isWritableAllowed = isWritableAllowed;
  }

  /** Returns the reason why nothing may be run from the folder, if there is one. */
  findFolderFault(): Promise<string | undefined> {
    return this.#describe(() => findWritableByOthers(this.#directory));
  }

  /** Returns the reason why the files of a plugin may not be run, if there is one. Everything below a folder counts. */
  findFault(files: readonly string[]): Promise<string | undefined> {
    return this.#describe(async () => {
      const folder = await findWritableByOthers(this.#directory);
      if (folder) return folder;
      const counter = { count: 0 };
      for (const file of [...files, ...(await this.#sharedBy(files))]) {
        const exposure = await ignoringMissing(() => findBelow(file, counter));
        if (exposure) return exposure;
      }
      return this.#findAbove();
    });
  }

  async #describe(find: () => Promise<Exposure | undefined>): Promise<string | undefined> {
    if (this.#isWritableAllowed) return undefined;
    try {
      const exposure = await find();
      return exposure && `${describeExposure(exposure)}, or trust these users with --allow-writable-plugins-dir`;
    } catch (error) {
      return hasCode(error, 'ENOENT') ? undefined : messageOf(error);
    }
  }

  /** Returns entries of the plugins folder that files in it may import. */
  async #sharedBy(files: readonly string[]): Promise<string[]> {
    if (!files.some((file) => dirname(file) === this.#directory)) return [];
    const names: string[] = [];
    for await (const { name } of await opendir(this.#directory)) if (shared.test(name)) names.push(name);
    return names.map((name) => join(this.#directory, name));
  }

  /** Finds an exposure of the packages in folders above. In /tmp, others may create the folder from which Node.js imports. */
  async #findAbove(): Promise<Exposure | undefined> {
    for (let folder = dirname(this.#directory); ; folder = dirname(folder)) {
      for (const name of ['node_modules', 'package.json']) {
        const exposure = await ignoringMissing(() => findWritableByOthers(join(folder, name)));
        if (exposure) return exposure;
      }
      if (folder === dirname(folder)) return undefined;
    }
  }
}

/** Finds an exposure of a path or of anything below it. */
async function findBelow(path: string, counter: { count: number }): Promise<Exposure | undefined> {
  const exposure = await findWritableByOthers(path);
  if (exposure) return exposure;
  return (await stat(path)).isDirectory() ? findInFolder(path, counter) : undefined;
}

/** Returns `undefined` for a path that does not exist. */
async function ignoringMissing<T>(find: () => Promise<T>): Promise<T | undefined> {
  try {
    return await find();
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR')) return undefined;
    throw error;
  }
}

async function findInFolder(folder: string, counter: { count: number }): Promise<Exposure | undefined> {
  const folders = [folder];
  for (let current = folders.pop(); current !== undefined; current = folders.pop()) {
    for await (const entry of await opendir(current)) {
      if (++counter.count > maxCheckedFiles) throw new Error(`${folder} has more than ${maxCheckedFiles} files`);
      const path = join(current, entry.name);
      const exposure = await ignoringMissing(() => findWritableEntry(path));
      if (exposure) return exposure;
      // The targets of links are checked, but not followed: they may be above.
      if (entry.isDirectory()) folders.push(path);
    }
  }
  return undefined;
}
