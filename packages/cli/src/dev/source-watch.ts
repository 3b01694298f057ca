import { lstatSync, realpathSync } from 'node:fs';
import { basename, extname, join } from 'node:path';
import { DirectoryWatch } from '@kplug/controller/tools';
import type { Target } from './target.ts';

/** Time without another change after which the sources count as saved, and longest time until then, in milliseconds. */
const quietTime = 50;
const maxQuietTime = 500;
/** Levels of folders that belong to a file without a project. */
const bareDepth = 1;

/** Folders that no sources are in. */
const ignoredFolder =
  /^(?:node_modules|\.git|\.hg|\.svn|\.venv|venv|__pycache__|dist|build|out|target|coverage|vendor|\.kplug|\.idea|\.vscode|\..*_cache)$/;
/** Files that editors and tests leave, and those that no program reads. */
const ignoredFile =
  /^[.#]|~$|\.(?:md|txt|log|tmp|temp|part|swp|swo|swx|bak|orig|rej|pyc|db|sqlite3?|pid|lock|out|map|tsbuildinfo)$|^4913$|___jb_|^Dockerfile$|^conformance\.xml$/i;
/** Tests, which the plugin doesn't run. */
const testFile = /\.(?:test|spec)\.[cm]?[jt]sx?$|^test_.*\.py$|_test\.(?:py|go)$|^conftest\.py$/;
/** Files that count although others of their extension don't. */
const dependencyFile = /^requirements.*\.txt$|^(?:uv|poetry)\.lock$/;
/** Files that are sources also without a project, where any other file may be that of another program. */
const codeFile = /\.(?:[cm]?[jt]s|json|py|go)$/;

/** Reports whether a path, relative to the folder of the sources, is a source whose change restarts the plugin. */
export function isSource(path: string, isBareFile = false): boolean {
  const folders = path.split('/').slice(0, -1);
  const name = basename(path);
  if (folders.some((folder) => ignoredFolder.test(folder))) return false;
  if (dependencyFile.test(name)) return true;
  if (ignoredFile.test(name) || testFile.test(name)) return false;
  return isBareFile ? codeFile.test(name) : extname(name) !== '' || folders.length > 0;
}

/** Options of a watch of sources. */
export interface SourceWatchOptions {
  target: Target;
  /** Paths whose files are no sources, such as the manifests and the configuration, absolute. */
  excluded: readonly string[];
  /** Called with the changed files, relative to the folder, once they count as saved. */
  onChange: (files: readonly string[]) => void;
}

/** Watches the sources of a plugin. Several saves in a short time are one change. */
export class SourceWatch {
  readonly #options: SourceWatchOptions;
  readonly #watch: DirectoryWatch;
  readonly #changed = new Set<string>();
  #timer: NodeJS.Timeout | undefined;
  #since = 0;

  constructor(options: SourceWatchOptions) {
    this.#options = options;
    const { folder, isBareFile } = options.target;
    this.#watch = new DirectoryWatch(folder, (path) => this.#onTouch(path), {
      ...(isBareFile && { depth: bareDepth }),
      includes: (path) =>
        !path.split('/').some((name) => ignoredFolder.test(name)) && !this.#isExcluded(path) && !this.#leadsAbove(path),
    });
  }

  /** Reason why changes may be missed; `undefined` when there is none. */
  get problem(): string | undefined {
    return this.#watch.problem;
  }

  start(): Promise<void> {
    return this.#watch.start();
  }

  async close(): Promise<void> {
    clearTimeout(this.#timer);
    await this.#watch.close();
  }

  #isExcluded(path: string): boolean {
    const { target, excluded } = this.#options;
    const full = `${target.folder}/${path}`;
    return excluded.some((one) => full === one || full.startsWith(`${one}/`));
  }

  /** Reports whether a path is a link to the folder or to one above it, below which everything would be found again. */
  #leadsAbove(path: string): boolean {
    const { folder } = this.#options.target;
    try {
      const full = join(folder, path);
      if (!lstatSync(full).isSymbolicLink()) return false;
      return `${realpathSync(folder)}/`.startsWith(`${realpathSync(full).replace(/\/$/, '')}/`);
    } catch {
      // It is gone, or its target is.
      return false;
    }
  }

  #onTouch(path: string): void {
    const { isBareFile } = this.#options.target;
    if (path === '' || !isSource(path, isBareFile) || this.#isExcluded(path)) return;
    const now = performance.now();
    if (this.#changed.size === 0) this.#since = now;
    this.#changed.add(path);
    clearTimeout(this.#timer);
    const delay = Math.max(0, Math.min(quietTime, this.#since + maxQuietTime - now));
    this.#timer = setTimeout(() => this.#report(), delay);
  }

  #report(): void {
    const files = [...this.#changed].sort();
    this.#changed.clear();
    this.#options.onChange(files);
  }
}
