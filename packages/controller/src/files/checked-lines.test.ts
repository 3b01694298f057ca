import { appendFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { formatCheckedLine, readCheckedLines } from './checked-lines.ts';

describe('checked lines', () => {
  let folder: string;
  let file: string;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'kplug-lines-'));
    file = join(folder, 'lines');
  });

  afterEach(() => rm(folder, { recursive: true, force: true }));

  async function read(): Promise<unknown[]> {
    const found: unknown[] = [];
    for await (const { json } of readCheckedLines(file)) found.push(json === undefined ? 'damaged' : JSON.parse(json));
    return found;
  }

  function line(content: object): string {
    return formatCheckedLine(JSON.stringify(content));
  }

  it('are JSON with a checksum, and are read as they were written', async () => {
    const contents = [{ a: 'ä\n\u{1f600}\ud800' }, { b: 'x'.repeat(3_000_000) }, { c: [1, null] }];
    await writeFile(file, contents.map(line).join(''));
    expect(await read()).toEqual(
      contents.map((content) => ({ crc: expect.stringMatching(/^[0-9a-f]{8}$/), ...content })),
    );
    let size = 0;
    for await (const one of readCheckedLines(file)) size += one.size;
    expect(size).toBe(Buffer.byteLength(contents.map(line).join('')));
  });

  it('are damaged if any byte is missing or another one', async () => {
    const whole = line({ key: 'value' });
    for (let length = 1; length < whole.length; length += 1) {
      await writeFile(file, whole.slice(0, length));
      expect(await read()).toEqual(['damaged']);
      await appendFile(file, `\n${line({ next: 1 })}`);
      const lines = await read();
      // Only the line feed was missing.
      if (length < whole.length - 1) expect(lines[0]).toBe('damaged');
      expect(lines[1]).toMatchObject({ next: 1 });
    }
    for (let at = 0; at < whole.length; at += 1) {
      await writeFile(file, `${whole.slice(0, at)}~${whole.slice(at + 1)}`);
      expect((await read())[0]).toBe('damaged');
    }
  });

  it('are damaged if the system has not written them yet', async () => {
    await writeFile(file, `${line({ a: 1 })}${'\0'.repeat(100)}\n${line({ b: 1 })}`);
    expect(await read()).toEqual([expect.objectContaining({ a: 1 }), 'damaged', expect.objectContaining({ b: 1 })]);
  });
});
