import { type FileHandle, open } from 'node:fs/promises';

/** What the first bytes of a file say it is. `mach-o` are macOS's native programs. */
export type FileNature = 'elf' | 'mach-o' | 'script' | 'other' | 'empty';

const machO = new Set([0xfeedface, 0xfeedfacf, 0xcefaedfe, 0xcffaedfe, 0xcafebabe]);

/** How much of a text's end is looked at, in bytes. */
const tail = 4_096;

/** What a file is, and why it isn't whole, as far as that can be told. */
export interface FileLook {
  nature: FileNature;
  /** Why a part of it is missing; `undefined` when nothing says so. */
  partial: string | undefined;
}

/**
 * Looks whether a file is all there. A native program says itself how long it is. A text doesn't; what is seen is that it is
 * empty, or ends with zeros, as files do whose space was taken before their content came.
 */
export async function lookIntoFile(path: string): Promise<FileLook> {
  await using file = await open(path, 'r');
  const { size } = await file.stat();
  if (size === 0) return { nature: 'empty', partial: 'it is empty' };
  const head = await read(file, 0, 64);
  const nature = natureOf(head);
  if (nature === 'elf') return { nature, partial: await elfPart(file, head, size) };
  if (nature === 'mach-o') return { nature, partial: undefined };
  const end = await read(file, Math.max(0, size - tail), tail);
  const endsInZeros = end.length > 0 && end[end.length - 1] === 0;
  return { nature, partial: endsInZeros ? 'it ends with zeros, as if its content were still to come' : undefined };
}

function natureOf(head: Buffer): FileNature {
  if (head.length >= 4 && head.readUInt32BE(0) === 0x7f454c46) return 'elf';
  if (head.length >= 4 && machO.has(head.readUInt32BE(0))) return 'mach-o';
  return head.subarray(0, 2).toString('latin1') === '#!' ? 'script' : 'other';
}

async function read(file: FileHandle, position: number, length: number): Promise<Buffer> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, position);
  return buffer.subarray(0, bytesRead);
}

/** Where the tables of an ELF file stand in its header, and the ends of segments in their table. */
const layouts = {
  32: { header: 52, programs: 28, sections: 32, counts: 42, offset: 4, size: 16 },
  64: { header: 64, programs: 32, sections: 40, counts: 54, offset: 8, size: 32 },
} as const;

/** Why an ELF file isn't whole: its header tells where its segments and its sections' table end. */
async function elfPart(file: FileHandle, head: Buffer, size: number): Promise<string | undefined> {
  const bits = head[4] === 2 ? 64 : 32;
  const layout = layouts[bits];
  if (head.length < layout.header) return `it has ${size} bytes, less than the header of a native program`;
  const isLittle = head[5] !== 2;
  const short = (from: Buffer, at: number) => (isLittle ? from.readUInt16LE(at) : from.readUInt16BE(at));
  const word = (from: Buffer, at: number) => {
    if (bits === 32) return isLittle ? from.readUInt32LE(at) : from.readUInt32BE(at);
    return Number(isLittle ? from.readBigUInt64LE(at) : from.readBigUInt64BE(at));
  };
  const programs = word(head, layout.programs);
  const [programSize, programCount] = [short(head, layout.counts), short(head, layout.counts + 2)];
  const [sectionSize, sectionCount] = [short(head, layout.counts + 4), short(head, layout.counts + 6)];
  let end = Math.max(programs + programSize * programCount, word(head, layout.sections) + sectionSize * sectionCount);
  if (end <= size) {
    const table = await read(file, programs, programSize * programCount);
    for (let at = 0; at + programSize <= table.length; at += programSize) {
      end = Math.max(end, word(table, at + layout.offset) + word(table, at + layout.size));
    }
  }
  return end > size ? `it has ${size} bytes, but its header speaks of ${end}` : undefined;
}
