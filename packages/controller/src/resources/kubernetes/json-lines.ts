import { MiB } from '../../limits/limit.ts';
import { limits } from '../../limits/limits.ts';

/** Maximum length of a line, in bytes. etcd stores no object larger than a few MiB. */
const maxLineBytes = limits.kubernetes.maxEventSize;

const lineFeed = 0x0a;

/**
 * Splits a stream of bytes into lines. Bytes after the last line feed are never a line: the connection was cut there, and the server sends
 * the whole line again.
 */
export class LineSplitter {
  #rest: Buffer[] = [];
  #length = 0;

  /** Returns the lines that end in a chunk, without line feeds. Throws `RangeError` for a line that is too long. */
  push(chunk: Buffer): Buffer[] {
    const lines: Buffer[] = [];
    let start = 0;
    for (let end = chunk.indexOf(lineFeed); end >= 0; end = chunk.indexOf(lineFeed, start)) {
      lines.push(this.#complete(chunk.subarray(start, end)));
      start = end + 1;
    }
    if (start < chunk.length) this.#keep(chunk.subarray(start));
    return lines;
  }

  #complete(end: Buffer): Buffer {
    if (this.#rest.length === 0) return end;
    const line = Buffer.concat([...this.#rest, end]);
    this.#rest = [];
    this.#length = 0;
    return line;
  }

  #keep(part: Buffer): void {
    this.#rest.push(part);
    this.#length += part.length;
    if (this.#length > maxLineBytes) throw new RangeError(`a line is longer than ${maxLineBytes / MiB} MiB`);
  }
}
