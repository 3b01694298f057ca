import { relative, sep } from 'node:path';
import { type FSWatcher, watch } from 'chokidar';
import { messageOf } from '../../errors.ts';

/** Hears that something was done to a path below the directory, with `/`. */
export type TouchListener = (path: string) => void;

/**
 * Tells of changes below a directory, for a quick reaction. It may miss some, on network file systems for example, so that
 * the directory has to be looked through now and then all the same.
 */
export class DirectoryWatch {
  readonly #directory: string;
  readonly #listener: TouchListener;
  readonly #depth: number | undefined;
  #watcher: FSWatcher | undefined;
  #problem: string | undefined;

  /** @param depth how many levels of sub-folders are watched. Default: all. */
  constructor(directory: string, listener: TouchListener, depth?: number) {
    this.#directory = directory;
    this.#listener = listener;
    this.#depth = depth;
  }

  /** Why changes may be noticed late; `undefined` when nothing is the matter. */
  get problem(): string | undefined {
    return this.#problem;
  }

  /** Begins to watch, or begins anew when the directory was replaced by another one of its name. */
  async start(): Promise<void> {
    await this.close();
    const watcher = watch(this.#directory, {
      ignoreInitial: true,
      // Files are looked at only when they have settled, which covers programs that write by renaming.
      atomic: false,
      ...(this.#depth === undefined ? {} : { depth: this.#depth }),
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

  /** Names that begin with one dot. Those with two are how Kubernetes swaps the content of a mounted volume. */
  #isIgnored(path: string): boolean {
    return this.#below(path)
      .split('/')
      .some((name) => name.startsWith('.') && !name.startsWith('..'));
  }

  #below(path: string): string {
    return relative(this.#directory, path).split(sep).join('/');
  }
}
