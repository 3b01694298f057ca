import { readFileSync, statSync } from 'node:fs';
import { messageOf } from '@kplug/protocol';
import { limits } from '../limits.ts';

/** File whose content is read again when it changes, also by the swap of a symbolic link, as kubelets do it. */
export class WatchedFile {
  readonly #path: string;
  readonly #description: string;
  readonly #maxSize: number;
  #stamp = '';
  #content: Buffer | undefined;

  /** @param description name for messages, for example `CA bundle (KPLUG_TLS_CA)`. */
  constructor(path: string, description: string, maxSize: number) {
    this.#path = path;
    this.#description = description;
    this.#maxSize = maxSize;
  }

  /** Returns the content: the same object as long as it doesn't change. Throws an error that names the file if it can't be read. */
  read(): Buffer {
    try {
      return this.#read();
    } catch (error) {
      const isMissing = (error as NodeJS.ErrnoException).code === 'ENOENT';
      throw new Error(
        `the ${this.#description} ${this.#path} ${isMissing ? 'does not exist' : `can't be read: ${messageOf(error)}`}`,
        { cause: error },
      );
    }
  }

  #read(): Buffer {
    const stats = statSync(this.#path);
    if (!stats.isFile()) throw new Error('it is not a regular file');
    if (stats.size > this.#maxSize) throw new Error(`it has ${stats.size} bytes; the limit is ${this.#maxSize}`);
    const changedAt = Math.max(stats.mtimeMs, stats.ctimeMs);
    const stamp = `${stats.dev}:${stats.ino}:${stats.size}:${changedAt}`;
    if (this.#content && stamp === this.#stamp) return this.#content;
    const content = readFileSync(this.#path);
    // Two writes within the resolution of the file system's clock have the same time.
    this.#stamp = Date.now() - changedAt > limits.security.fileSettleTime ? stamp : '';
    if (!this.#content?.equals(content)) this.#content = content;
    return this.#content;
  }
}
