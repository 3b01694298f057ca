import { join } from 'node:path';
import type { Logger } from 'pino';
import { KplugError, messageOf } from '../../errors.ts';
import { limitTable } from '../../limits/limits.ts';
import { readLimit } from '../../limits/read-limit.ts';
import { MemoryResources } from '../memory/memory-resources.ts';
import type { Persistence } from '../memory/persistence.ts';
import { keyOf } from '../resource.ts';
import { adoptStates } from './adopt-states.ts';
import { DeletionGuard, readDeletionLimits } from './deletion-guard.ts';
import { DesiredState } from './desired-state.ts';
import { DirectoryFollower } from './directory-follower.ts';
import { DirectoryLock } from './directory-lock.ts';
import { type DirectoryResources, FollowedResources } from './directory-resources.ts';
import { type DirectoryProblemListener, ProblemList } from './problem-list.ts';
import type { States } from './read-states.ts';
import { bindStateDir, checkDirectory, loadStates, makeStateFolder, removeEarlierStates } from './state-folder.ts';
import { StateStore } from './state-store.ts';

/** Options of `openDirectory`. */
export interface DirectoryOptions {
  /** Directory of manifests. It must exist. It must be writable unless `stateDir` is set. */
  directory: string;
  /**
   * Folder for the states of resources, which is made if it doesn't exist. It belongs to one directory of manifests. Default: `.kplug` in
   * the directory. Set it when the directory can't be written, or when programs such as git-sync replace the directory or its content: the
   * states would be lost with it.
   */
  stateDir?: string;
  /** Logger for problems and for state files that were set aside. */
  logger: Logger;
  /** Receives problems, too. */
  onProblem?: DirectoryProblemListener;
  /**
   * Interval of regular scans, in milliseconds. Default 10,000; between 1,000 and 60,000 is recommended. Use a lower one where the system
   * doesn't report changes, as on network file systems.
   */
  scanInterval?: number;
  /**
   * Largest share of the resources that is deleted at once, in percent from 0 to 100. Default 50. The deletion of more is held until the
   * files are restored or a user confirms it with `kplug manifests confirm`. With 100 nothing is held.
   */
  maxDeletions?: number;
  /** Number of resources from which `maxDeletions` applies. Default 10; at least 1. With 1 it always applies. */
  maxDeletionsThreshold?: number;
}

/**
 * Follows the resources in the files of a directory (`.yaml`, `.yml`, `.json`) and its sub-folders. Editing a document updates its
 * resource; removing the document or its file deletes it. The files are never written: statuses and other states go to `.kplug/`, or
 * to `stateDir`. A file with a problem changes and deletes nothing until the problem is fixed, and an empty file deletes nothing.
 *
 * Rejects with `InvalidConfiguration` when the directory or an option can't be used or another operator uses the directory, and with `StorageFailed` when
 * the states of resources can't be read.
 */
export async function openDirectory(options: DirectoryOptions): Promise<DirectoryResources> {
  const { directory, stateDir, logger } = options;
  await checkDirectory(directory);
  const folder = await makeStateFolder(directory, stateDir);
  const lock = new DirectoryLock(join(folder, 'lock'), directory, (message) => logger.info(message));
  await acquire(lock, directory);
  try {
    if (stateDir !== undefined) await bindStateDir(directory, stateDir);
    const loaded = await loadStates(folder, logger);
    const adopted = stateDir === undefined ? [] : await adoptStates(directory, loaded, logger);
    return await follow(options, { folder, lock, loaded: { ...loaded, states: [...loaded.states, ...adopted] } });
  } catch (error) {
    await lock.release();
    throw error;
  }
}

/** Locked folder of states, and its content. */
interface OpenedFolder {
  folder: string;
  lock: DirectoryLock;
  loaded: States;
}

async function follow(options: DirectoryOptions, { folder, lock, loaded }: OpenedFolder): Promise<DirectoryResources> {
  const { directory, stateDir, logger } = options;
  const { states, journal, corrupt, earlier } = loaded;
  const desired = new DesiredState();
  let follower: DirectoryFollower | undefined;
  const store = new StateStore({
    folder,
    journal,
    all: () => resources.all(),
    verify: () => lock.verify(),
    sourceOf: (key) => desired.sourceOf(key) ?? '',
    onFailure: () => follower?.wake(),
  });
  const persistence: Persistence = {
    changed(key, stored) {
      if (!stored) {
        desired.forget(key);
        follower?.wake();
      }
      store.changed(key, stored);
    },
    durable: (key) => store.durable(key),
    flush: () => store.flush(),
  };
  const resources = new MemoryResources({ persistence });
  for (const { source, ...stored } of states) {
    resources.restore(stored);
    desired.restore(keyOf(stored.resource), source);
  }
  const problems = new ProblemList(logger, options.onProblem);
  const scanInterval = readLimit(limitTable.directory.scanInterval, options.scanInterval);
  const guard = new DeletionGuard({ directory, stateDir, folder, logger, ...readDeletionLimits(options) });
  const parts = { directory, stateDir, resources, desired, store, lock, problems, guard, scanInterval };
  try {
    // States of an earlier version, or from the default folder.
    const isElsewhere = journal.size === undefined && states.length > 0;
    if (isElsewhere || corrupt.length + earlier.length > 0) store.rewrite();
    if (earlier.length > 0) {
      await store.flush();
      await removeEarlierStates(folder, earlier);
    }
    await guard.load();
    follower = new DirectoryFollower(
      parts,
      states.flatMap(({ source }) => source || []),
    );
    await follower.start();
    return new FollowedResources(parts, follower);
  } catch (error) {
    await store.close();
    throw error;
  }
}

async function acquire(lock: DirectoryLock, directory: string): Promise<void> {
  try {
    await lock.acquire();
  } catch (cause) {
    if (cause instanceof KplugError) throw cause;
    const message = `The directory of manifests ${directory} can't be locked: ${messageOf(cause)}.`;
    throw new KplugError('InvalidConfiguration', message, { cause });
  }
}
