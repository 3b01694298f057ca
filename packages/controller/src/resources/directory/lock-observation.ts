import { setTimeout as sleep } from 'node:timers/promises';
import { limits } from '../../limits/limits.ts';
import { type LockFile, type LockHolder, readLockFile } from './lock-file.ts';
import { bootTime, exists, isOtherProgram, ownIdentity, stateOfProcess } from './process-identity.ts';

const { lockRefreshInterval, staleLockTime, maxForeignLockAge } = limits.directory;

/** Observation of a holder that is probably gone. It must not take longer than 2 s, and must include two refreshes. */
const shortTime = 3 * lockRefreshInterval;

/** Interval of looks at a lock that is observed, in milliseconds. */
const lookInterval = 50;

/** Party that wants a lock. */
export interface LockObserver {
  /** Reports whether this process holds the lock with a token. */
  isHeldHere(token: string): boolean;
  /** Called when an observation takes longer than a moment. @param time longest duration, in milliseconds. */
  onWait?: ((time: number) => void) | undefined;
}

/**
 * Reports whether a lock is held. `gone`: the lock file changed hands or was removed meanwhile.
 *
 * The identity of the holder's process decides where it can be seen. Otherwise, as in another container or on another machine, a holder
 * refreshes its lock: a lock that isn't refreshed for some time is stale. Clocks of machines are not compared.
 */
export async function observeLock(
  file: string,
  lock: LockFile,
  { isHeldHere, onWait }: LockObserver,
): Promise<'held' | 'stale' | 'gone'> {
  const time = await observationTime(lock, isHeldHere);
  if (typeof time === 'string') return time;
  if (time > shortTime) onWait?.(time);
  const end = performance.now() + time;
  do {
    await sleep(lookInterval);
    const now = await readLockFile(file);
    if (now?.id !== lock.id) return 'gone';
    if (now.version !== lock.version) return 'held';
  } while (performance.now() < end);
  return 'stale';
}

/** Returns what is known of a lock, or how long to observe it, in milliseconds. */
async function observationTime(
  lock: LockFile,
  isHeldHere: (token: string) => boolean,
): Promise<'held' | 'stale' | number> {
  const { holder, refreshedAt } = lock;
  if (!holder) return lockRefreshInterval;
  if (isHeldHere(holder.token)) return 'held';
  if (holder.refreshInterval === undefined) return observeEarlierVersion(holder, refreshedAt);
  const own = await ownIdentity();
  const state = await stateOfProcess(holder);
  if (state === 'gone') return 'stale';
  // Another thread of this process may hold it.
  if (state === 'running') return holder.pid === own.pid ? shortTime : 'held';
  if (holder.host === own.host && holder.bootId !== own.bootId) {
    const bootedAt = await bootTime();
    if (bootedAt !== undefined && refreshedAt < bootedAt) return shortTime;
  }
  return Math.max(staleLockTime, 3 * holder.refreshInterval);
}

/** Locks of earlier versions name only the process and the machine, and are refreshed at most once in a minute. */
async function observeEarlierVersion({ pid, host }: LockHolder, refreshedAt: number): Promise<'held' | 'stale'> {
  const own = await ownIdentity();
  if (host !== own.host) return Date.now() - refreshedAt < maxForeignLockAge ? 'held' : 'stale';
  if (pid === own.pid || !exists(pid)) return 'stale';
  return (await isOtherProgram(pid)) ? 'stale' : 'held';
}
