import { randomUUID } from 'node:crypto';
import { readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { KplugError } from '../../errors.ts';
import { hasCode } from '../../files/system-error.ts';
import { limits } from '../../limits/limits.ts';

/** Age above which the lock of another machine is stale, in milliseconds since its last refresh. */
const { maxForeignLockAge } = limits.directory;

/** Time that another process may need to take over the same stale lock, in milliseconds. */
const takeoverTime = 50;

const holderSchema = z.object({ pid: z.int().positive(), host: z.string(), token: z.string() });

/** Holder of a lock. */
export type LockHolder = z.infer<typeof holderSchema>;

/** Tokens of the locks that this process holds. The process ID isn't enough: in a container, a restarted process has the same one. */
const held = new Set<string>();

/** Lock of a directory: a file that names the process which follows the directory. */
export class DirectoryLock {
  readonly #file: string;
  readonly #directory: string;
  readonly #self: LockHolder = { pid: process.pid, host: hostname(), token: randomUUID() };

  /** Makes a lock of `directory` in `file`. It isn't acquired yet. */
  constructor(file: string, directory: string) {
    this.#file = file;
    this.#directory = directory;
  }

  /** Acquires the lock, if need be from a process that is gone. Rejects with `InvalidConfiguration` when the lock is in use. */
  async acquire(): Promise<void> {
    held.add(this.#self.token);
    try {
      if (await this.#create()) return;
      const holder = (await this.holder()) ?? (await this.#holderAfterWrite());
      if (holder && (await this.#isAlive(holder))) throw this.#inUse(holder);
      await this.#takeOver();
    } catch (error) {
      held.delete(this.#self.token);
      throw error;
    }
  }

  /** Reads the holder of the lock, if there is one. */
  async holder(): Promise<LockHolder | undefined> {
    try {
      return parseHolder(await readFile(this.#file, 'utf8'));
    } catch (error) {
      if (hasCode(error, 'ENOENT', 'ENOTDIR')) return undefined;
      throw error;
    }
  }

  /** Reports whether this lock is the holder. */
  isOwn(holder: LockHolder): boolean {
    return holder.token === this.#self.token;
  }

  /** Refreshes the lock, which shows other machines that the holder is alive. */
  async refresh(): Promise<void> {
    const now = new Date();
    await utimes(this.#file, now, now);
  }

  /** Releases the lock. A lock that another process has taken over stays. */
  async release(): Promise<void> {
    const holder = await this.holder();
    if (holder && this.isOwn(holder)) await rm(this.#file, { force: true });
    held.delete(this.#self.token);
  }

  async #create(): Promise<boolean> {
    try {
      await writeFile(this.#file, this.#content(), { flag: 'wx' });
      return true;
    } catch (error) {
      if (hasCode(error, 'EEXIST')) return false;
      throw error;
    }
  }

  /** Reads the holder after a delay: another process may have created the file but not written it yet. */
  async #holderAfterWrite(): Promise<LockHolder | undefined> {
    await sleep(takeoverTime);
    return this.holder();
  }

  /** Takes over a stale lock. Of several processes that do so concurrently, the last one succeeds. */
  async #takeOver(): Promise<void> {
    const own = `${this.#file}.${this.#self.token}`;
    await writeFile(own, this.#content());
    await rename(own, this.#file);
    await sleep(takeoverTime);
    const holder = await this.holder();
    if (!holder || !this.isOwn(holder)) throw this.#inUse(holder);
  }

  async #isAlive({ pid, host, token }: LockHolder): Promise<boolean> {
    if (host !== this.#self.host) return Date.now() - (await stat(this.#file)).mtimeMs < maxForeignLockAge;
    if (pid === process.pid) return held.has(token);
    try {
      process.kill(pid, 0);
      return true;
    } catch (error) {
      // Signalling a process of another user fails with EPERM, but the process exists.
      return !hasCode(error, 'ESRCH');
    }
  }

  #content(): string {
    return `${JSON.stringify(this.#self)}\n`;
  }

  #inUse(holder: LockHolder | undefined): KplugError {
    const operator = holder
      ? `process ${holder.pid}${holder.host === this.#self.host ? '' : ` on ${holder.host}`}`
      : 'another process';
    return new KplugError(
      'InvalidConfiguration',
      `${this.#directory} is in use by another operator, ${operator}. Stop that operator or use another directory. ` +
        `If the process is not an operator, delete ${this.#file}.`,
    );
  }
}

/** Parses the content of a lock file. Returns `undefined` for a file that was created but not written before a crash. */
function parseHolder(content: string): LockHolder | undefined {
  try {
    return holderSchema.parse(JSON.parse(content));
  } catch {
    return undefined;
  }
}
