import { type FileHandle, open } from 'node:fs/promises';
import { crc32 } from 'node:zlib';

/** Line of a file of checked lines. */
export interface CheckedLine {
  /** Number of the line, from 1. */
  number: number;
  /** Size of the line with its line feed, in bytes. */
  size: number;
  /** JSON of the line, with the field `crc`; `undefined` when the line is damaged or incomplete. */
  json: string | undefined;
}

const prefix = '{"crc":"';
/** Length of a line up to the checksummed part: `{"crc":"0123abcd",`. */
const headLength = prefix.length + 10;
const lineFeed = 10;
const readSize = 1024 * 1024;

/** Formats the JSON of an object with at least one field as a line, with a new first field: the checksum of the rest. */
export function formatCheckedLine(json: string): string {
  const rest = json.slice(1);
  return `${prefix}${checksumOf(rest)}",${rest}\n`;
}

/**
 * Reads the lines of a file. The last line may be incomplete, as another process may be appending to the file, or a crash may have
 * interrupted it; it is invalid then. Rejects when the file can't be read.
 */
export async function* readCheckedLines(file: string): AsyncGenerator<CheckedLine> {
  const handle = await open(file, 'r');
  try {
    yield* split(handle);
  } finally {
    await handle.close();
  }
}

async function* split(handle: FileHandle): AsyncGenerator<CheckedLine> {
  let number = 0;
  let rest = Buffer.alloc(0);
  for (;;) {
    const { buffer, bytesRead } = await handle.read(Buffer.allocUnsafe(readSize), 0, readSize);
    if (bytesRead === 0) break;
    const data = rest.length > 0 ? Buffer.concat([rest, buffer.subarray(0, bytesRead)]) : buffer.subarray(0, bytesRead);
    let start = 0;
    for (let end = data.indexOf(lineFeed, rest.length); end >= 0; end = data.indexOf(lineFeed, start)) {
      number += 1;
      yield { number, size: end + 1 - start, json: readLine(data.subarray(start, end)) };
      start = end + 1;
    }
    rest = data.subarray(start);
  }
  if (rest.length > 0) yield { number: number + 1, size: rest.length, json: undefined };
}

function readLine(line: Buffer): string | undefined {
  const head = `${prefix}${checksumOf(line.subarray(headLength))}",`;
  return line.toString('latin1', 0, headLength) === head ? line.toString() : undefined;
}

function checksumOf(data: string | Buffer): string {
  return crc32(data).toString(16).padStart(8, '0');
}
