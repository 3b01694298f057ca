import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { expect, it } from 'vitest';
import { collectUpTo, readUpTo } from './read-up-to.ts';

it('reads files and streams up to a size', async () => {
  const file = join(await mkdtemp(join(tmpdir(), 'read-up-to-')), 'file');
  await writeFile(file, 'x'.repeat(100_000));
  expect((await readUpTo(file, 100_000))?.length).toBe(100_000);
  expect(await readUpTo(file, 99_999)).toBeUndefined();
  expect((await collectUpTo(Readable.from([Buffer.from('ab'), Buffer.from('c')]), 3))?.toString()).toBe('abc');
  expect(await collectUpTo(Readable.from([Buffer.from('ab'), Buffer.from('c')]), 2)).toBeUndefined();
});

it('ends in a file without an end', async () => {
  expect(await readUpTo('/dev/zero', 1_000_000)).toBeUndefined();
});

it('rejects when there is no file', async () => {
  await expect(readUpTo(join(tmpdir(), 'no-such-file'), 10)).rejects.toMatchObject({ code: 'ENOENT' });
});
