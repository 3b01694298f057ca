// files/: the file system: watching directories, durable writes, fingerprints, files that are being written or open to other users.
import { relative, sep } from 'node:path';
import { type FSWatcher, watch } from 'chokidar';
import { messageOf } from '../errors.ts';

/** Receives the path of a change, relative to the directory, with `/`. */
export type TouchListener = (path: string) => void;

/** Part of a directory that is watched. */
export interface WatchScope {
  /** Number of levels of sub-folders. Default: all. */
  depth?: number;
  /** Reports whether a path below the directory is watched. Default: all are. */
  includes?: (path: string) => boolean;
}

/** Reports changes below a directory. It may miss some, for example on network file systems, so regular scans are needed as well. */
export class DirectoryWatch {
  readonly #directory: string;
  readonly #listener: TouchListener;
  readonly #scope: WatchScope;
  #watcher: FSWatcher | undefined;
  #problem: string | undefined;

  constructor(directory: string, listener: TouchListener, scope: WatchScope = {}) {
    this.#directory = directory;
    this.#listener = listener;
    this.#scope = scope;
  }

  /** Reason why changes may be missed; `undefined` when there is none. */
  get problem(): string | undefined {
    return this.#problem;
  }

  /** Starts to watch. Call it again after the directory was replaced by another one with the same name. */
  async start(): Promise<void> {
    await this.close();
    const { depth } = this.#scope;
    const watcher = watch(this.#directory, {
      ignoreInitial: true,
      // Readers wait until files have settled, which covers programs that replace files by renaming.
      atomic: false,
      ...(depth === undefined ? {} : { depth }),
      ignored: (path) => this.#isIgnored(path),
    });
    this.#watcher = watcher;
    let problem: string | undefined;
    const { promise: ready, resolve } = Promise.withResolvers<void>();
    watcher.on('all', (_, path) => this.#listener(this.#below(path)));
    watcher.on('ready', resolve);
    watcher.on('error', (error) => {
      problem = messageOf(error);
      this.#problem = problem;
      this.#listener('');
      resolve();
    });
    await ready;
    this.#problem = problem;
  }

  async close(): Promise<void> {
    await this.#watcher?.close();
    this.#watcher = undefined;
  }

  /**
   * Reports whether a path is out of scope, or has a name with one leading dot. Kubernetes swaps the content of volumes by names with two.
   */
  #isIgnored(path: string): boolean {
    const below = this.#below(path);
    if (below !== '' && this.#scope.includes && !this.#scope.includes(below)) return true;
    return below.split('/').some((name) => name.startsWith('.') && !name.startsWith('..'));
  }

  #below(path: string): string {
    return relative(this.#directory, path).split(sep).join('/');
  }
}
