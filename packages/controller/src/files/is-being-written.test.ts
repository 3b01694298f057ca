import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { link, mkdtemp, open, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { isBeingWritten } from './is-being-written.ts';

async function makeFile(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'kplug-writing-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const file = join(folder, 'file');
  await writeFile(file, 'content');
  return file;
}

describe.runIf(process.platform === 'linux')('isBeingWritten', () => {
  it('is true while a process has the file open for writing, under any of its names', async () => {
    const file = await makeFile();
    await symlink(file, `${file}-link`);
    await link(file, `${file}-hard-link`);
    expect(await isBeingWritten([file])).toBe(false);
    const child = spawn('/bin/sh', ['-c', 'exec 3>>"$0"; echo open; read -r _', file], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    await once(child.stdout, 'data');
    expect(await isBeingWritten([file])).toBe(true);
    expect(await isBeingWritten([`${file}-link`])).toBe(true);
    expect(await isBeingWritten([`${file}-hard-link`])).toBe(true);
    expect(await isBeingWritten([join(file, '..', 'other')])).toBe(false);
    child.stdin.end();
    await once(child, 'exit');
    expect(await isBeingWritten([file])).toBe(false);
  });

  it('is false for a file that is only read', async () => {
    const file = await makeFile();
    await using handle = await open(file, 'r');
    expect(handle.fd).toBeGreaterThan(0);
    expect(await isBeingWritten([file])).toBe(false);
  });
});
