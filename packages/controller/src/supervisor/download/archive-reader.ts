import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { createGunzip, createZstdDecompress } from 'node:zlib';
import type { Parser } from 'tar';

// Only the process that unpacks imports this file; see unpack-program.ts.

const gzip = Buffer.from([0x1f, 0x8b]);
const zstd = Buffer.from([0x28, 0xb5, 0x2f, 0xfd]);

/** Size of a block of an archive. The first one shows whether the content is compressed again. */
const blockSize = 512;

/**
 * Feeds an archive to a parser: plain, or compressed by gzip, in one or several members, or by zstd. Reading ends at the end of the
 * archive, which two empty blocks mark; what follows is not decompressed.
 *
 * @param maxBytes maximum size of the decompressed archive, with its headers.
 */
export async function feed(file: string, parser: Parser, maxBytes: number): Promise<void> {
  let isOver = false;
  let failure: unknown;
  const failed = Promise.withResolvers<never>();
  failed.promise.catch(() => undefined);
  parser.on('eof', () => {
    isOver = true;
  });
  parser.on('error', (error: unknown) => {
    failure ??= error;
    failed.reject(error);
  });
  const ended = once(parser, 'end');
  ended.catch(() => undefined);
  for await (const chunk of contentOf(file, maxBytes)) {
    const isFree = parser.write(chunk);
    if (failure) throw failure;
    // Leaving the loop closes the file.
    if (isOver) break;
    if (!isFree) await Promise.race([once(parser, 'drain'), failed.promise]);
  }
  parser.end();
  await Promise.race([ended, failed.promise]);
}

/** Reads the decompressed content of an archive. The first chunk has at least one block. */
async function* contentOf(file: string, maxBytes: number): AsyncGenerator<Buffer> {
  const { stream, isCompressed } = await decompress(file);
  let bytes = 0;
  let head: Buffer | undefined = Buffer.alloc(0);
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > maxBytes) throw new Error(`it decompresses to more than ${Math.floor(maxBytes / 2 ** 20)} MiB`);
    if (!head) {
      yield chunk;
      continue;
    }
    head = Buffer.concat([head, chunk]);
    if (head.length < blockSize) continue;
    if (isCompressed && magicOf(head)) throw new Error('it is compressed more than once');
    yield head;
    head = undefined;
  }
  if (head) throw new Error('it is not a tar archive');
}

async function decompress(file: string): Promise<{ stream: NodeJS.ReadableStream; isCompressed: boolean }> {
  const magic = magicOf(await readHead(file));
  const source = createReadStream(file);
  if (!magic) return { stream: source, isCompressed: false };
  const decompressor = magic === 'gzip' ? createGunzip() : createZstdDecompress();
  source.on('error', (error) => decompressor.destroy(error));
  decompressor.on('close', () => source.destroy());
  return { stream: source.pipe(decompressor), isCompressed: true };
}

async function readHead(file: string): Promise<Buffer> {
  const handle = await open(file, 'r');
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(zstd.length), 0, zstd.length, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await handle.close();
  }
}

function magicOf(head: Buffer): 'gzip' | 'zstd' | undefined {
  if (head.subarray(0, gzip.length).equals(gzip)) return 'gzip';
  return head.subarray(0, zstd.length).equals(zstd) ? 'zstd' : undefined;
}
