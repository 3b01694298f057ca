import { setTimeout as sleep } from 'node:timers/promises';
import { KplugError, messageOf } from '../../errors.ts';
import type { MemoryResources } from '../memory/memory-resources.ts';
import type { ResourceKey } from '../resource.ts';
import { resolveDefinitions } from './definitions.ts';
import type { DesiredState } from './desired-state.ts';
import type { DirectoryLock } from './directory-lock.ts';
import { DirectoryWatch } from './directory-watch.ts';
import { listManifestFiles } from './list-manifest-files.ts';
import { Loop } from './loop.ts';
import { type Look, ManifestFiles, type SettlingTimes } from './manifest-files.ts';
import type { DirectoryProblem, ProblemList } from './problem-list.ts';
import { makeStateFolder } from './state-folder.ts';
import type { StateStore } from './state-store.ts';
import { hasCode } from './write-durably.ts';

/**
 * How long a file has to stay as it is. Editors write a file in pieces within a few milliseconds; what makes a file empty or
 * removes it first may take longer to bring it back, and taking that for a deletion would be the worse mistake.
 */
const settling: SettlingTimes = { changed: 50, vanished: 250 };

/** The same for some time after the directory was away, while its files may still be on their way back. */
const settlingAfterReturn: SettlingTimes = { changed: 50, vanished: 2_000 };

/** How often a directory that is away is looked for, and how long it is left alone at least, in milliseconds. */
const searchInterval = 500;

/** How often writing is tried again what couldn't be written, in milliseconds. */
const retryInterval = 1_000;

/** How long files may keep changing before the first look at them is over all the same, in milliseconds. */
const longestStart = 2_000;

/** What following a directory needs. */
export interface FollowedDirectory {
  directory: string;
  resources: MemoryResources;
  desired: DesiredState;
  store: StateStore;
  lock: DirectoryLock;
  problems: ProblemList;
  /** How often the directory is looked through although no change was noticed, in milliseconds. */
  lookInterval: number;
}

/** Keeps a table of resources as the files of a directory define it. */
export class DirectoryFollower {
  readonly #parts: FollowedDirectory;
  readonly #files: ManifestFiles;
  readonly #watch: DirectoryWatch;
  readonly #loop = new Loop(async () => (await this.#look()) ?? this.#pause());
  #duplicates: DirectoryProblem[] = [];
  #watchedSince = 0;
  #awaySince: number | undefined;
  #returnedAt = Number.NEGATIVE_INFINITY;

  /** `sources` are the files that defined something when the directory was followed last. */
  constructor(parts: FollowedDirectory, sources: Iterable<string>) {
    this.#parts = parts;
    this.#files = new ManifestFiles(parts.directory);
    this.#files.expect(sources);
    this.#watch = new DirectoryWatch(parts.directory, (path) => {
      this.#files.touch(path);
      this.#loop.wake();
    });
  }

  /** Applies the files as they are now, and follows them from then on. */
  async start(): Promise<void> {
    await this.#startWatch();
    const startedAt = performance.now();
    let wait = await this.#look();
    while (wait !== undefined && performance.now() - startedAt < longestStart) {
      await sleep(wait);
      wait = await this.#look();
    }
    this.#loop.start(wait ?? this.#pause());
  }

  /** Has the directory looked through soon. */
  wake(): void {
    this.#loop.wake();
  }

  async stop(): Promise<void> {
    await this.#loop.stop();
    await this.#watch.close();
  }

  /** Looks the directory through, and returns when to do so again, in milliseconds; `undefined` when nothing is under way. */
  async #look(): Promise<number | undefined> {
    const { directory, problems } = this.#parts;
    try {
      await this.#ensurePresent();
      if (this.#shouldWatchAnew()) await this.#startWatch();
      const look = await this.#files.look(this.#settlingTimes());
      problems.update([...look.problems, ...this.#apply(look), ...this.#ownProblems()]);
      return look.again;
    } catch (error) {
      this.#awaySince ??= performance.now();
      const what = hasCode(error, 'ENOENT', 'ENOTDIR') ? 'The directory is gone' : messageOf(error);
      const message = `${what}. All resources stay as they were until the directory is back.`;
      problems.update([{ file: directory, message }]);
      return searchInterval;
    }
  }

  /** How long to wait when nothing is under way. */
  #pause(): number {
    const { store, lookInterval } = this.#parts;
    return store.failures().length > 0 ? Math.min(retryInterval, lookInterval) : lookInterval;
  }

  #apply(look: Look): DirectoryProblem[] {
    const { directory, resources, desired, store } = this.#parts;
    const sourceOf = (key: ResourceKey) => desired.sourceOf(key);
    const definitions = resolveDefinitions(directory, this.#files.contents(), sourceOf);
    for (const key of desired.apply(resources, definitions, look.again === undefined)) {
      store.changed(key, resources.stored(key));
    }
    store.retry();
    // While files are moved, one may seem to stand in two of them.
    if (look.again === undefined) this.#duplicates = definitions.duplicates;
    return [...definitions.problems, ...this.#duplicates];
  }

  #ownProblems(): DirectoryProblem[] {
    const { directory, store, lookInterval } = this.#parts;
    const failures: DirectoryProblem[] = store.failures();
    const { problem } = this.#watch;
    if (problem === undefined) return failures;
    const message = `The directory can't be watched: ${problem}. Changes are noticed within ${lookInterval / 1_000} s.`;
    return [...failures, { file: directory, message }];
  }

  #settlingTimes(): SettlingTimes {
    const back = performance.now() - this.#returnedAt;
    return back < settlingAfterReturn.vanished ? settlingAfterReturn : settling;
  }

  /** Rejects when the directory is not there, or not the one that was opened: then its files say nothing. */
  async #ensurePresent(): Promise<void> {
    const { lock } = this.#parts;
    const holder = await lock.holder();
    if (!holder) await this.#reclaim();
    else if (lock.isOwn(holder)) await lock.refresh();
    else throw new KplugError('Conflict', `The directory is now followed by another operator, process ${holder.pid}`);
    if (this.#awaySince === undefined) return;
    this.#awaySince = undefined;
    this.#returnedAt = performance.now();
    await this.#startWatch();
  }

  #shouldWatchAnew(): boolean {
    return this.#watch.problem !== undefined && performance.now() - this.#watchedSince >= this.#parts.lookInterval;
  }

  async #startWatch(): Promise<void> {
    await this.#watch.start();
    this.#watchedSince = performance.now();
  }

  /**
   * Settles again in a directory without Kplug's folder. Somebody removed that, or put another directory in this one's place.
   * Not at once, as the directory may be just being removed; and not in an empty one, as that's what remains when a volume is
   * unmounted.
   */
  async #reclaim(): Promise<void> {
    const { directory, lock, resources, store } = this.#parts;
    const { fingerprints } = await listManifestFiles(directory);
    if (fingerprints.size === 0) {
      throw new KplugError('NotFound', 'The directory was emptied or replaced by an empty one');
    }
    if (performance.now() - (this.#awaySince ?? performance.now()) < searchInterval) {
      throw new KplugError('NotFound', 'The folder .kplug was removed from the directory');
    }
    await makeStateFolder(directory);
    await lock.acquire();
    for (const key of resources.keys()) store.changed(key, resources.stored(key));
  }
}
