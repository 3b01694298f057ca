import { randomUUID } from 'node:crypto';
import { readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { KplugError } from '../../errors.ts';
import { hasCode } from './write-durably.ts';

/** A lock of another machine is believed for this long after it was last refreshed, in milliseconds. */
const foreignLockAge = 60_000;

/** How long another process that takes the same stale lock over may need, in milliseconds. */
const takeoverTime = 50;

const holderSchema = z.object({ pid: z.int().positive(), host: z.string(), token: z.string() });

/** Who holds a lock. */
export type LockHolder = z.infer<typeof holderSchema>;

/** The locks that this process holds, by token. In a container each process has the same pid as the one before it. */
const held = new Set<string>();

/** Keeps a second operator off a directory, by a file that names the process. */
export class DirectoryLock {
  readonly #file: string;
  readonly #directory: string;
  readonly #self: LockHolder = { pid: process.pid, host: hostname(), token: randomUUID() };

  /** A lock of `directory` in a file of it. Not yet taken. */
  constructor(file: string, directory: string) {
    this.#file = file;
    this.#directory = directory;
  }

  /** Takes the lock, from a process that is gone if need be. Rejects with `InvalidConfiguration` when it is in use. */
  async acquire(): Promise<void> {
    held.add(this.#self.token);
    try {
      if (await this.#create()) return;
      const holder = (await this.holder()) ?? (await this.#holderAfterAWhile());
      if (holder && (await this.#isAlive(holder))) throw this.#inUse(holder);
      await this.#takeOver();
    } catch (error) {
      held.delete(this.#self.token);
      throw error;
    }
  }

  /** Who holds the lock: this one, another, or nobody. */
  async holder(): Promise<LockHolder | undefined> {
    try {
      return parseHolder(await readFile(this.#file, 'utf8'));
    } catch (error) {
      if (hasCode(error, 'ENOENT', 'ENOTDIR')) return undefined;
      throw error;
    }
  }

  /** Whether a holder is this lock itself. */
  isOwn(holder: LockHolder): boolean {
    return holder.token === this.#self.token;
  }

  /** Shows other machines that the holder is alive. */
  async refresh(): Promise<void> {
    const now = new Date();
    await utimes(this.#file, now, now);
  }

  /** Gives the lock back. One that was lost to another process stays. */
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

  /** Another process may have made the file but not written it yet. */
  async #holderAfterAWhile(): Promise<LockHolder | undefined> {
    await sleep(takeoverTime);
    return this.holder();
  }

  /** Of several processes that do this at once, the last one gets it. */
  async #takeOver(): Promise<void> {
    const own = `${this.#file}.${this.#self.token}`;
    await writeFile(own, this.#content());
    await rename(own, this.#file);
    await sleep(takeoverTime);
    const holder = await this.holder();
    if (!holder || !this.isOwn(holder)) throw this.#inUse(holder);
  }

  async #isAlive({ pid, host, token }: LockHolder): Promise<boolean> {
    if (host !== this.#self.host) return Date.now() - (await stat(this.#file)).mtimeMs < foreignLockAge;
    if (pid === process.pid) return held.has(token);
    try {
      process.kill(pid, 0);
      return true;
    } catch (error) {
      // A process of another user may not be signalled, but is there.
      return !hasCode(error, 'ESRCH');
    }
  }

  #content(): string {
    return `${JSON.stringify(this.#self)}\n`;
  }

  #inUse(holder: LockHolder | undefined): KplugError {
    const who = holder
      ? `process ${holder.pid}${holder.host === this.#self.host ? '' : ` on ${holder.host}`}`
      : 'another process';
    return new KplugError(
      'InvalidConfiguration',
      `${this.#directory} is followed by another operator, ${who}. Stop that one or name another directory. ` +
        `If it is no operator, delete ${this.#file}.`,
    );
  }
}

/** `undefined` for what a crash left behind when the file had been made but not written. */
function parseHolder(content: string): LockHolder | undefined {
  try {
    return holderSchema.parse(JSON.parse(content));
  } catch {
    return undefined;
  }
}
