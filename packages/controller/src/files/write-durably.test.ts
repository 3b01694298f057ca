import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { writeDurably } from './write-durably.ts';

describe('writeDurably', () => {
  let root: string;

  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'kplug-write-'));
  });

  afterEach(() => rm(root, { recursive: true, force: true }));

  it('writes and replaces a file, and makes missing folders', async () => {
    const file = join(root, 'a/b/c.json');
    await writeDurably(file, 'one', root);
    await writeDurably(file, 'two', root);
    expect(await readFile(file, 'utf8')).toBe('two');
    expect(await readdir(join(root, 'a/b'))).toEqual(['c.json']);
  });

  it('does not recreate a root that is gone', async () => {
    const gone = join(root, 'gone');
    await expect(writeDurably(join(gone, 'a/b.json'), 'x', gone)).rejects.toThrow('ENOENT');
    expect(await readdir(root)).toEqual([]);
  });

  it('keeps the old file when it cannot be replaced', async () => {
    await mkdir(join(root, 'a.json/inner'), { recursive: true });
    await expect(writeDurably(join(root, 'a.json'), 'x', root)).rejects.toThrow();
    expect(await readdir(root)).toEqual(['a.json']);
  });

  it('never replaces a file by one that was written only in part', async () => {
    const file = join(root, 'a.json');
    await writeFile(file, 'whole');
    const script = `
      import { writeDurably } from ${JSON.stringify(new URL('./write-durably.ts', import.meta.url).href)};
      process.on('SIGXFSZ', () => undefined);
      await writeDurably(process.argv[1], 'x'.repeat(100_000), process.argv[2]).catch((error) => console.log(error.code));
    `;
    // A file size limit behaves like a full disk: the write before the failing one is short.
    const { stdout } = await promisify(execFile)('sh', [
      ...['-c', 'ulimit -f 8; exec "$0" "$@"', process.execPath],
      ...['--input-type=module', '--eval', script, file, root],
    ]);
    expect(stdout).toBe('EFBIG\n');
    expect(await readFile(file, 'utf8')).toBe('whole');
    expect(await readdir(root)).toEqual(['a.json']);
  });
});
