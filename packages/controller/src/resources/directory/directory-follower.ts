import { stat } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { KplugError, messageOf } from '../../errors.ts';
import { DirectoryWatch } from '../../files/directory-watch.ts';
import { hasCode } from '../../files/system-error.ts';
import { limits } from '../../limits/limits.ts';
import { type WorkOutcome, WorkQueue } from '../../queue/work-queue.ts';
import type { ManifestProblem } from '../manifest.ts';
import type { MemoryResources } from '../memory/memory-resources.ts';
import type { ResourceKey } from '../resource.ts';
import { type Definitions, resolveDefinitions } from './definitions.ts';
import type { DeletionGuard } from './deletion-guard.ts';
import type { DesiredState } from './desired-state.ts';
import type { DirectoryLock } from './directory-lock.ts';
import type { SettleTimes } from './judge-change.ts';
import { listManifestFiles } from './list-manifest-files.ts';
import { ManifestFiles, type ScanResult } from './manifest-files.ts';
import type { ProblemList } from './problem-list.ts';
import { bindStateDir, hasStateFolder, makeStateFolder, stateFolderOf } from './state-folder.ts';
import type { StateStore } from './state-store.ts';

/**
 * Settle times. Editors write a file in pieces within a few milliseconds. Programs that truncate or remove a file before they write it
 * may take longer, and a wrong deletion is the worse mistake.
 */
const settleTimes: SettleTimes = {
  changed: limits.directory.settleTime,
  vanished: limits.directory.deletionSettleTime,
  rewritten: limits.directory.rewriteSettleTime,
  hiddenRewritten: limits.directory.hiddenRewriteSettleTime,
  maxChanging: limits.directory.maxChangingTime,
};

/** Settle times after the directory was missing, while its files may still be coming back. */
const settleTimesAfterReturn: SettleTimes = { ...settleTimes, vanished: limits.directory.returnSettleTime };

/** Interval of checks for a missing directory, and shortest time before its lock is taken again, in milliseconds. */
const { searchInterval } = limits.directory;

const { retryInterval, maxStartTime, changeDelay, identityCheckInterval, confirmationInterval } = limits.directory;

/** Parts that following a directory needs. */
export interface FollowedDirectory {
  directory: string;
  /** Folder of the states, if it isn't in the directory. */
  stateDir: string | undefined;
  resources: MemoryResources;
  desired: DesiredState;
  store: StateStore;
  lock: DirectoryLock;
  problems: ProblemList;
  guard: DeletionGuard;
  /** Interval of regular scans, in milliseconds. */
  scanInterval: number;
}

/** Keeps resources in sync with the files of a directory. */
export class DirectoryFollower {
  readonly #parts: FollowedDirectory;
  readonly #files: ManifestFiles;
  readonly #watch: DirectoryWatch;
  readonly #scans = new WorkQueue<'scan' | 'identity' | 'confirmation'>({
    work: async (task) => {
      switch (task) {
        case 'scan':
          return { next: 'again', after: (await this.#scan()) ?? this.#idleInterval() };
        case 'identity':
          if (await this.#isReplaced()) this.wake();
          return { next: 'again', after: identityCheckInterval };
        case 'confirmation':
          return this.#awaitConfirmation();
      }
    },
  });
  #identity: string | undefined;
  #duplicates: ManifestProblem[] = [];
  /** True if no file was changing in the last scan. */
  #hasSettled = false;
  #watchedSince = 0;
  #missingSince: number | undefined;
  #returnedAt = Number.NEGATIVE_INFINITY;

  /** @param sources files that defined resources when the directory was followed last. */
  constructor(parts: FollowedDirectory, sources: Iterable<string>) {
    this.#parts = parts;
    this.#files = new ManifestFiles(parts.directory, () => parts.desired.defined(parts.resources));
    this.#files.expect(sources);
    this.#watch = new DirectoryWatch(parts.directory, (path) => {
      this.#files.touch(path);
      this.wake();
    });
  }

  /** Applies the current files, and follows changes from then on. */
  async start(): Promise<void> {
    await this.#startWatch();
    const startedAt = performance.now();
    let delay = await this.#scan();
    while (delay !== undefined && !this.#hasSettled && performance.now() - startedAt < maxStartTime) {
      await sleep(delay);
      delay = await this.#scan();
    }
    this.#scans.addWithin('scan', delay ?? this.#idleInterval());
    this.#scans.addWithin('identity', identityCheckInterval);
  }

  /** Schedules a scan. */
  wake(): void {
    this.#scans.addWithin('scan', changeDelay);
  }

  async stop(): Promise<void> {
    await this.#scans.close();
    await this.#watch.close();
  }

  /** Scans the directory. Returns the delay before the next scan, in milliseconds; `undefined` when all files have settled. */
  async #scan(): Promise<number | undefined> {
    const { directory, problems } = this.#parts;
    try {
      await this.#ensurePresent();
      if (this.#shouldRestartWatch()) await this.#startWatch();
      const result = await this.#files.scan(this.#settleTimes());
      problems.update([...result.problems, ...(await this.#apply(result)), ...this.#ownProblems()]);
      return result.again;
    } catch (error) {
      this.#missingSince ??= performance.now();
      const what = hasCode(error, 'ENOENT', 'ENOTDIR') ? 'The directory is gone' : messageOf(error);
      const message = `${what}. All resources keep their last state until the directory is back.`;
      problems.update([{ file: directory, message }]);
      return searchInterval;
    }
  }

  /** Delay before the next scan when all files have settled. */
  #idleInterval(): number {
    const { store, scanInterval } = this.#parts;
    return store.failures().length > 0 ? Math.min(retryInterval, scanInterval) : scanInterval;
  }

  async #apply({ hasSettled, isEmpty }: ScanResult): Promise<ManifestProblem[]> {
    const { directory, resources, desired, store, guard } = this.#parts;
    const sourceOf = (key: ResourceKey) => desired.sourceOf(key);
    const definitions = resolveDefinitions(directory, this.#files.contents(), sourceOf);
    for (const key of desired.apply(resources, definitions)) store.changed(key, resources.stored(key));
    // A manifest that is moving between files may be in neither or in both for a moment.
    const failures = hasSettled ? await this.#deleteUndefined(definitions, isEmpty) : [];
    store.retry();
    if (hasSettled) this.#duplicates = definitions.duplicates;
    this.#hasSettled = hasSettled;
    return [...failures, ...definitions.problems, ...this.#duplicates, ...guard.problems()];
  }

  /** Deletes the resources that no file defines, unless the guard holds their deletion. Returns failures of the guard. */
  async #deleteUndefined(definitions: Definitions, isEmpty: boolean): Promise<ManifestProblem[]> {
    const { directory, resources, desired, guard } = this.#parts;
    try {
      const isDirectoryEmpty = isEmpty && !(await hasStateFolder(directory));
      const admitted = await guard.admit({ ...desired.undefinedResources(resources, definitions), isDirectoryEmpty });
      for (const { key } of admitted) resources.delete(key);
      if (guard.isHolding) this.#scans.addWithin('confirmation', confirmationInterval);
      return [];
    } catch (error) {
      return [{ file: directory, message: `${messageOf(error)} No resource is deleted until that is solved.` }];
    }
  }

  /** Scans once the user confirms the held deletions. */
  async #awaitConfirmation(): Promise<WorkOutcome> {
    const { guard } = this.#parts;
    if (!guard.isHolding) return { next: 'done' };
    if (await guard.hasConfirmation().catch(() => false)) this.wake();
    return { next: 'again', after: confirmationInterval };
  }

  #ownProblems(): ManifestProblem[] {
    const { directory, store, scanInterval } = this.#parts;
    const failures: ManifestProblem[] = store.failures();
    const { problem } = this.#watch;
    if (problem === undefined) return failures;
    const message = `The directory can't be watched: ${problem}. Changes are noticed within ${scanInterval / 1_000} s.`;
    return [...failures, { file: directory, message }];
  }

  #settleTimes(): SettleTimes {
    const elapsed = performance.now() - this.#returnedAt;
    return elapsed < settleTimesAfterReturn.vanished ? settleTimesAfterReturn : settleTimes;
  }

  /** Rejects when the directory is missing or isn't the one that was opened: then its files don't count. */
  async #ensurePresent(): Promise<void> {
    const { lock } = this.#parts;
    const holder = await lock.holder();
    if (!holder) await this.#reclaim();
    else if (lock.isOwn(holder)) await lock.refresh();
    else throw new KplugError('Conflict', `The directory is now in use by another operator, process ${holder.pid}`);
    const isReplaced = await this.#isReplaced();
    if (this.#missingSince === undefined && !isReplaced) return;
    if (isReplaced) await this.#refuseEmpty();
    this.#missingSince = undefined;
    this.#returnedAt = performance.now();
    await this.#startWatch();
  }

  /** Reports whether the directory is another one than the watched one, as after a link has got another target. */
  async #isReplaced(): Promise<boolean> {
    return (await identityOf(this.#parts.directory)) !== this.#identity;
  }

  /** Refuses an empty directory in the place of another one, as that is what an unmounted volume looks like. */
  async #refuseEmpty(): Promise<void> {
    const { files } = await listManifestFiles(this.#parts.directory);
    if (files.size === 0) {
      throw new KplugError('NotFound', 'The directory was emptied or replaced by an empty one');
    }
  }

  #shouldRestartWatch(): boolean {
    return this.#watch.problem !== undefined && performance.now() - this.#watchedSince >= this.#parts.scanInterval;
  }

  async #startWatch(): Promise<void> {
    this.#identity = await identityOf(this.#parts.directory);
    await this.#watch.start();
    this.#watchedSince = performance.now();
  }

  /**
   * Takes the lock of a directory without Kplug's folder, which a user removed or replaced. Waits first, as the directory may be in the
   * course of being removed.
   */
  async #reclaim(): Promise<void> {
    const { directory, stateDir, lock, store } = this.#parts;
    await this.#refuseEmpty();
    if (performance.now() - (this.#missingSince ?? performance.now()) < searchInterval) {
      throw new KplugError('NotFound', `The folder ${stateFolderOf(directory, stateDir)} was removed`);
    }
    await makeStateFolder(directory, stateDir);
    if (stateDir !== undefined) await bindStateDir(directory, stateDir);
    await lock.acquire();
    store.rewrite();
  }
}

/** Returns the identity of a directory; `undefined` when it doesn't exist. */
async function identityOf(directory: string): Promise<string | undefined> {
  try {
    const { dev, ino } = await stat(directory, { bigint: true });
    return `${dev}:${ino}`;
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR')) return undefined;
    throw error;
  }
}
