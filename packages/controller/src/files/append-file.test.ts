import { execFile } from 'node:child_process';
import { mkdtemp, open, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { AppendFile } from './append-file.ts';

describe('AppendFile', () => {
  let folder: string;
  let path: string;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'kplug-append-'));
    path = join(folder, 'file');
  });

  afterEach(async () => {
    vi.restoreAllMocks();
    await rm(folder, { recursive: true, force: true });
  });

  const read = () => readFile(path, 'utf8');

  it('replaces its content and appends to it', async () => {
    const file = new AppendFile(path, undefined);
    await expect(file.append(['a'])).rejects.toThrow('must be replaced');
    await file.replace(['a', 'b']);
    await file.append(['c']);
    await file.append(['d'.repeat(1_000_000), 'e'.repeat(1_000_000)]);
    expect(await read()).toBe(`abc${'d'.repeat(1_000_000)}${'e'.repeat(1_000_000)}`);
    expect(file.size).toBe(2_000_003);
    await file.replace(['f']);
    await file.append(['g']);
    expect(await read()).toBe('fg');
    expect(await readdir(folder)).toEqual(['file']);
    await file.close();
  });

  it('cuts off what is after the valid content of an existing file', async () => {
    await writeFile(path, 'valid torn');
    const file = new AppendFile(path, 6);
    await file.append(['next']);
    expect(await read()).toBe('valid next');
    await file.close();
  });

  it('does not append to a file that is no longer at its path', async () => {
    const file = new AppendFile(path, undefined);
    await file.replace(['a']);
    await rename(path, `${path}.moved`);
    await expect(file.append(['b'])).rejects.toThrow('ENOENT');
    expect(file.size).toBeUndefined();
    await file.replace(['a']);
    await writeFile(`${path}.other`, 'other');
    await rename(`${path}.other`, path);
    await expect(file.append(['b'])).rejects.toThrow('replaced by another file');
    await file.close();
  });

  it('must be replaced after a failed sync, as the system may have lost the content', async () => {
    const file = new AppendFile(path, undefined);
    await file.replace(['a']);
    const handle = await open(path);
    const prototype = Object.getPrototypeOf(handle);
    await handle.close();
    vi.spyOn(prototype, 'datasync').mockRejectedValueOnce(new Error('EIO'));
    await expect(file.append(['b'])).rejects.toThrow('EIO');
    expect(file.size).toBeUndefined();
    await file.replace(['c']);
    await file.append(['d']);
    expect(await read()).toBe('cd');
    await file.close();
  });

  it('keeps its content when it cannot be replaced or appended to, and leaves no part behind', async () => {
    const script = `
      import { AppendFile } from ${JSON.stringify(new URL('./append-file.ts', import.meta.url).href)};
      process.on('SIGXFSZ', () => undefined);
      const file = new AppendFile(process.argv[1], undefined);
      await file.replace(['a']);
      const texts = ['x'.repeat(100_000)];
      for (const way of ['append', 'replace']) await file[way](texts).catch((error) => console.log(way, error.code));
      await file.append(['b']);
    `;
    // A file size limit behaves like a full disk: the write before the failing one is short.
    const { stdout } = await promisify(execFile)(
      'sh',
      [...['-c', 'ulimit -f 8; exec "$0" "$@"', process.execPath], ...['--input-type=module', '--eval', script, path]],
      // Node.js writes a compile cache at its exit.
      { env: { ...process.env, NODE_DISABLE_COMPILE_CACHE: '1' } },
    );
    expect(stdout).toBe('append EFBIG\nreplace EFBIG\n');
    expect(await read()).toBe('ab');
    expect(await readdir(folder)).toEqual(['file']);
  });
});
