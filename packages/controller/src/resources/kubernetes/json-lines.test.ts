import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LineSplitter } from './json-lines.ts';

function split(chunks: Buffer[]): string[] {
  const lines = new LineSplitter();
  return chunks.flatMap((chunk) => lines.push(chunk)).map(String);
}

describe('LineSplitter', () => {
  it('returns the same lines for all chunks', () => {
    const line = fc.string({ unit: 'grapheme' }).map((text) => text.replaceAll('\n', ''));
    fc.assert(
      fc.property(fc.array(line), fc.array(fc.nat(40)), (lines, cuts) => {
        const bytes = Buffer.from(lines.map((text) => `${text}\n`).join(''));
        const chunks: Buffer[] = [];
        let start = 0;
        for (const length of cuts) {
          chunks.push(bytes.subarray(start, start + length));
          start += length;
        }
        expect(split([...chunks, bytes.subarray(start)])).toEqual(lines);
      }),
    );
  });

  it('keeps a line without a line feed', () => {
    expect(split([Buffer.from('{"a":1}\n{"b"')])).toEqual(['{"a":1}']);
  });

  it('rejects a line that is too long', () => {
    const lines = new LineSplitter();
    const megabyte = Buffer.alloc(1024 * 1024, 'x');
    expect(() => {
      for (let count = 0; count < 64; count += 1) lines.push(megabyte);
    }).toThrow(RangeError);
  });
});
