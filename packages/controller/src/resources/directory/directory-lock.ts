import { randomUUID } from 'node:crypto';
import { readdir, rename, rm, stat, utimes } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { KplugError } from '../../errors.ts';
import { hasCode } from '../../files/system-error.ts';
import { limits } from '../../limits/limits.ts';
import { createExclusively } from './create-exclusively.ts';
import { type LockFile, type LockHolder, readLockFile } from './lock-file.ts';
import { observeLock } from './lock-observation.ts';
import { ownIdentity, type ProcessIdentity } from './process-identity.ts';

const { lockRefreshInterval: refreshInterval, maxForeignLockAge } = limits.directory;

/** Tokens of the locks that this process holds. */
const held = new Set<string>();

/** Lock of a directory: a file that names the process which follows the directory. The holder refreshes it while it runs. */
export class DirectoryLock {
  readonly #file: string;
  readonly #directory: string;
  readonly #token = randomUUID();
  readonly #onWait: ((message: string) => void) | undefined;
  #refreshing: NodeJS.Timeout | undefined;
  #verifiedAt = Number.NEGATIVE_INFINITY;

  /**
   * Makes a lock of `directory` in `file`. It isn't acquired yet.
   *
   * @param onWait receives a message when it takes long to find out whether the holder still runs.
   */
  constructor(file: string, directory: string, onWait?: (message: string) => void) {
    this.#file = file;
    this.#directory = directory;
    this.#onWait = onWait;
  }

  /**
   * Acquires the lock, if need be from a process that is gone. Rejects with `InvalidConfiguration` when the lock is in use. Takes some
   * time when the holder can't be seen from here, as in another container or on another machine.
   */
  async acquire(): Promise<void> {
    held.add(this.#token);
    try {
      await this.#acquire();
    } catch (error) {
      held.delete(this.#token);
      throw error;
    }
    clearInterval(this.#refreshing);
    this.#refreshing = setInterval(() => void this.#refreshQuietly(), refreshInterval).unref();
    await this.#removeLeftovers();
  }

  /** Reads the holder of the lock, if there is one. */
  async holder(): Promise<LockHolder | undefined> {
    return (await readLockFile(this.#file))?.holder;
  }

  /** Reports whether this lock is the holder. */
  isOwn(holder: LockHolder): boolean {
    return holder.token === this.#token;
  }

  /** Rejects unless this lock is the holder, or was at most two refreshes ago. */
  async verify(): Promise<void> {
    if (performance.now() - this.#verifiedAt < 2 * refreshInterval) return;
    const holder = await this.holder();
    if (!holder) throw new KplugError('NotFound', `${this.#file} does not exist any more`);
    if (!this.isOwn(holder)) {
      const operator = describeHolder(holder, await ownIdentity());
      throw new KplugError('Conflict', `${this.#directory} is now in use by another operator, ${operator}`);
    }
    this.#verifiedAt = performance.now();
  }

  /** Refreshes the lock, which shows others that the holder is alive. */
  async refresh(): Promise<void> {
    const now = new Date();
    await utimes(this.#file, now, now);
  }

  /** Releases the lock. A lock that another process has taken over stays. */
  async release(): Promise<void> {
    clearInterval(this.#refreshing);
    const holder = await this.holder();
    if (holder && this.isOwn(holder)) await rm(this.#file, { force: true });
    held.delete(this.#token);
  }

  async #acquire(): Promise<void> {
    for (;;) {
      if (await this.#create(this.#file)) return;
      const lock = await readLockFile(this.#file);
      if (lock && (await this.#isStale(this.#file, lock)) && (await this.#takeOver(lock, []))) return;
    }
  }

  /**
   * Takes over a stale lock. Of several processes that do so, the one that creates the file named after the stale lock succeeds, and
   * renames it to the lock. If it crashed before that, the file named after its own lock decides, and so on. Returns false when the lock
   * has changed hands.
   */
  async #takeOver({ id }: LockFile, claims: readonly string[]): Promise<boolean> {
    const claim = `${this.#file}.after-${id}`;
    if (!(await this.#create(claim))) {
      const rival = await readLockFile(claim);
      if (!rival || !(await this.#isStale(claim, rival))) return false;
      return this.#takeOver(rival, [...claims, claim]);
    }
    // Another process may have taken over, and renamed its claim, before this one was created.
    const [first = claim] = claims;
    const lock = await readLockFile(this.#file);
    if (!lock || `${this.#file}.after-${lock.id}` !== first) {
      await rm(claim, { force: true });
      return false;
    }
    await rename(claim, this.#file);
    for (const stale of claims) await rm(stale, { force: true });
    return true;
  }

  /** Returns false when the file changed hands. Rejects when the lock is in use. */
  async #isStale(file: string, lock: LockFile): Promise<boolean> {
    const operator = lock.holder ? describeHolder(lock.holder, await ownIdentity()) : 'another process';
    const state = await observeLock(file, lock, {
      isHeldHere: (token) => held.has(token),
      onWait: (time) =>
        this.#onWait?.(`waiting up to ${time / 1_000} s to find out whether ${operator} still uses ${this.#directory}`),
    });
    if (state === 'held') throw await this.#inUse(lock.holder);
    return state === 'stale';
  }

  async #create(file: string): Promise<boolean> {
    const own = await ownIdentity();
    const content = { ...own, token: this.#token, since: new Date().toISOString(), refreshInterval };
    return createExclusively(file, `${JSON.stringify(content)}\n`, `${this.#file}.${this.#token}`);
  }

  /** An operator that doesn't hold the lock any more finds that out by other means. */
  async #refreshQuietly(): Promise<void> {
    try {
      this.#verifiedAt = Number.NEGATIVE_INFINITY;
      await this.verify();
      await this.refresh();
    } catch {
      // The lock is gone or can't be read or written. The next attempt follows.
    }
  }

  /** Removes files that crashes left while locks were acquired. */
  async #removeLeftovers(): Promise<void> {
    const folder = dirname(this.#file);
    for (const name of await readdir(folder)) {
      if (!name.startsWith(`${basename(this.#file)}.`)) continue;
      const file = join(folder, name);
      try {
        if (Date.now() - (await stat(file)).mtimeMs > maxForeignLockAge) await rm(file, { force: true });
      } catch (error) {
        if (!hasCode(error, 'ENOENT')) throw error;
      }
    }
  }

  async #inUse(holder: LockHolder | undefined): Promise<KplugError> {
    const operator = holder ? describeHolder(holder, await ownIdentity()) : 'another process';
    const since = holder?.since === undefined ? '' : ` It has held the lock since ${holder.since}.`;
    const isCertain = holder?.refreshInterval !== undefined;
    const otherwise = isCertain ? '' : ` If the process is not an operator, delete ${this.#file}.`;
    return new KplugError(
      'InvalidConfiguration',
      `${this.#directory} is in use by another operator, ${operator}.${since} ` +
        `Stop that operator or use another directory.${otherwise}`,
    );
  }
}

/** Describes the holder of a lock: `process 12 on db-1`. */
function describeHolder({ pid, host, pidNamespace }: LockHolder, own: ProcessIdentity): string {
  if (host !== own.host) return `process ${pid} on ${host}`;
  const isInOtherContainer = pidNamespace !== undefined && pidNamespace !== own.pidNamespace;
  return `process ${pid}${isInOtherContainer ? ' in another container' : ''}`;
}
