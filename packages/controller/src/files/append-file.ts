import { type FileHandle, open, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { limits } from '../limits/limits.ts';
import { syncFolder, temporarySuffix } from './write-durably.ts';

const { maxWriteChunk } = limits.directory;

/** Identity of a file, whatever its name. */
interface FileIdentity {
  dev: bigint;
  ino: bigint;
}

/**
 * File to which text is appended durably. A failed append leaves nothing behind: the next one begins at the end of the last successful
 * one. Calls must not overlap.
 */
export class AppendFile {
  readonly path: string;
  #handle: FileHandle | undefined;
  /** Identity of the file with the content; `undefined` when that is the existing one, whichever it is. */
  #identity: FileIdentity | undefined;
  /** Size of the content that is known to be on disk; `undefined` when the file must be replaced. */
  #size: number | undefined;
  /** True if the file may have more content than `#size`. */
  #hasTail = true;

  /** @param size size of the valid content of an existing file, in bytes. The rest is cut off. `undefined`: the file is replaced. */
  constructor(path: string, size: number | undefined) {
    this.path = path;
    this.#size = size;
  }

  /** Size of the content, in bytes; `undefined` when the file has to be replaced before text can be appended. */
  get size(): number | undefined {
    return this.#size;
  }

  /** Requires the file to be replaced before text is appended. */
  async invalidate(): Promise<void> {
    this.#size = undefined;
    this.#identity = undefined;
    await this.close();
  }

  /** Appends texts. Fulfilled when they are on disk. Rejects when the path has another file or none by then. */
  async append(texts: Iterable<string>): Promise<void> {
    if (this.#size === undefined) throw new Error(`${this.path} must be replaced before text is appended`);
    const start = this.#size;
    const handle = await this.#open();
    if (this.#hasTail) await handle.truncate(start);
    this.#hasTail = true;
    const end = await writeAll(handle, texts, start);
    try {
      const [current] = await Promise.all([stat(this.path, { bigint: true }), handle.datasync()]);
      this.#refuseOther(current);
    } catch (error) {
      // After a failed sync, a later one may succeed although this content was lost.
      await this.invalidate();
      throw error;
    }
    this.#size = end;
    this.#hasTail = false;
  }

  /** Replaces the whole content atomically. Fulfilled when it is on disk. On failure the former content stays. */
  async replace(texts: Iterable<string>): Promise<void> {
    const temporary = `${this.path}${temporarySuffix}`;
    const handle = await open(temporary, 'w');
    let size: number;
    let identity: FileIdentity;
    try {
      try {
        size = await writeAll(handle, texts, 0);
        await handle.sync();
        identity = await handle.stat({ bigint: true });
      } finally {
        await handle.close();
      }
      // Windows doesn't rename over an open file.
      await this.close();
      await rename(temporary, this.path);
    } catch (error) {
      // The first error matters more than a failure to clean up. Leftovers are overwritten by the next attempt.
      await rm(temporary, { force: true }).catch(() => undefined);
      throw error;
    }
    await this.invalidate();
    await syncFolder(dirname(this.path));
    this.#identity = identity;
    this.#size = size;
    this.#hasTail = false;
  }

  async close(): Promise<void> {
    const handle = this.#handle;
    this.#handle = undefined;
    await handle?.close();
  }

  async #open(): Promise<FileHandle> {
    if (this.#handle) return this.#handle;
    try {
      this.#handle = await open(this.path, 'r+');
      const current = await this.#handle.stat({ bigint: true });
      this.#identity ??= current;
      this.#refuseOther(current);
      return this.#handle;
    } catch (error) {
      await this.invalidate();
      throw error;
    }
  }

  #refuseOther({ ino, dev }: FileIdentity): void {
    if (ino === this.#identity?.ino && dev === this.#identity.dev) return;
    throw new Error(`${this.path} was replaced by another file`);
  }
}

/** Writes texts in chunks from a position. Returns the position after them. A full disk may cause a short write without an error. */
async function writeAll(handle: FileHandle, texts: Iterable<string>, start: number): Promise<number> {
  let position = start;
  let waiting: string[] = [];
  let length = 0;
  const write = async () => {
    const data = Buffer.from(waiting.join(''));
    waiting = [];
    length = 0;
    for (let offset = 0; offset < data.length; ) {
      const { bytesWritten } = await handle.write(data, offset, data.length - offset, position);
      if (bytesWritten === 0) throw new Error('no data could be written');
      offset += bytesWritten;
      position += bytesWritten;
    }
  };
  for (const text of texts) {
    waiting.push(text);
    length += text.length;
    if (length >= maxWriteChunk) await write();
  }
  if (waiting.length > 0) await write();
  return position;
}
