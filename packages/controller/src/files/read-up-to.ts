import type { FileHandle } from 'node:fs/promises';
import { openFile } from './open-file.ts';

const chunkSize = 64 * 1024;

/** Reads a file. Returns `undefined` when it has more than `maxSize` bytes. Rejects with the error of the system. */
export async function readUpTo(file: string | FileHandle, maxSize: number): Promise<Buffer | undefined> {
  if (typeof file !== 'string') return collectUpTo(chunksOf(file, maxSize), maxSize);
  await using opened = await openFile(file);
  const { handle } = opened;
  return await collectUpTo(chunksOf(handle, maxSize), maxSize);
}

/** Reads a stream, such as the standard input. Returns `undefined` when it has more than `maxSize` bytes. */
export async function collectUpTo(stream: AsyncIterable<Uint8Array>, maxSize: number): Promise<Buffer | undefined> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of stream) {
    size += chunk.length;
    if (size > maxSize) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

async function* chunksOf(handle: FileHandle, maxSize: number): AsyncGenerator<Uint8Array> {
  const size = Math.min(chunkSize, maxSize + 1);
  for (;;) {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(size), 0, size);
    if (bytesRead === 0) return;
    yield buffer.subarray(0, bytesRead);
  }
}
