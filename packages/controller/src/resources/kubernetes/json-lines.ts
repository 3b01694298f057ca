/** The longest line that is put together, in bytes. etcd keeps no object larger than a few MiB. */
const longestLine = 32 * 1024 * 1024;

const lineFeed = 0x0a;

/**
 * Splits a stream of bytes into lines. What stands after the last line feed is never a line: there the connection was cut,
 * and the whole of it comes again.
 */
export class LineSplitter {
  #rest: Buffer[] = [];
  #length = 0;

  /** The lines that end in the next bytes of the stream, without their line feeds. Throws `RangeError` for one without end. */
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
    if (this.#length > longestLine) throw new RangeError(`a line is longer than ${longestLine / 1024 / 1024} MiB`);
  }
}
