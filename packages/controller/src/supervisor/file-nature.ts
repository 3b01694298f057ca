import { openFile } from '../files/open-file.ts';

/** Kind of a file by its first bytes. `native` is an ELF or Mach-O file, `script` one that begins with `#!`. */
export type FileNature = 'native' | 'script' | 'other' | 'empty';

/** First four bytes of native programs: ELF, and the variants of Mach-O. */
const nativeMagic = new Set([0x7f454c46, 0xfeedface, 0xfeedfacf, 0xcefaedfe, 0xcffaedfe, 0xcafebabe]);

/** Reads the nature of a file. Rejects with the system's error when the file can't be read. */
export async function readNature(path: string): Promise<FileNature> {
  await using opened = await openFile(path);
  const { handle: file } = opened;
  const { buffer, bytesRead } = await file.read(Buffer.alloc(4), 0, 4, 0);
  if (bytesRead === 0) return 'empty';
  if (bytesRead === 4 && nativeMagic.has(buffer.readUInt32BE(0))) return 'native';
  return buffer.subarray(0, Math.min(2, bytesRead)).toString('latin1') === '#!' ? 'script' : 'other';
}
