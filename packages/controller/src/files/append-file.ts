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
  #opened: { handle: FileHandle; identity: FileIdentity } | undefined;
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
    await this.close();
  }

  /** Appends texts. Fulfilled when they are on disk. Rejects when the path has another file or none by then. */
  async append(texts: Iterable<string>): Promise<void> {
    if (this.#size === undefined) throw new Error(`${this.path} must be replaced before text is appended`);
    const { handle, identity } = await this.#open();
    const start = this.#size;
    if (this.#hasTail) await handle.truncate(start);
    this.#hasTail = true;
    const end = await writeAll(handle, texts, start);
    try {
      const [current] = await Promise.all([stat(this.path, { bigint: true }), handle.datasync()]);
      if (!isSame(current, identity)) throw new Error(`${this.path} was replaced by another file`);
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
    try {
      size = await writeAll(handle, texts, 0);
      await handle.sync();
      await rename(temporary, this.path);
    } catch (error) {
      // The first error matters more than a failure to clean up. Leftovers are overwritten by the next attempt.
      await handle.close().catch(() => undefined);
      await rm(temporary, { force: true }).catch(() => undefined);
      throw error;
    }
    await this.invalidate();
    this.#opened = { handle, identity: await handle.stat({ bigint: true }) };
    await syncFolder(dirname(this.path));
    this.#size = size;
    this.#hasTail = false;
  }

  async close(): Promise<void> {
    const opened = this.#opened;
    this.#opened = undefined;
    await opened?.handle.close();
  }

  async #open(): Promise<{ handle: FileHandle; identity: FileIdentity }> {
    if (this.#opened) return this.#opened;
    const handle = await open(this.path, 'r+');
    this.#opened = { handle, identity: await handle.stat({ bigint: true }) };
    return this.#opened;
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

function isSame(a: FileIdentity, b: FileIdentity): boolean {
  return a.ino === b.ino && a.dev === b.dev;
}
