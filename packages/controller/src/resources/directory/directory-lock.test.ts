import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DirectoryLock } from './directory-lock.ts';

describe('DirectoryLock', () => {
  let folder: string;
  let file: string;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'kplug-lock-'));
    file = join(folder, 'lock');
  });

  afterEach(() => rm(folder, { recursive: true, force: true }));

  function lock(): DirectoryLock {
    return new DirectoryLock(file, 'tables');
  }

  async function leave(holder: object): Promise<void> {
    await writeFile(file, JSON.stringify({ pid: process.pid, host: hostname(), token: 'left', ...holder }));
  }

  it('excludes a second lock until it is released, even in this process', async () => {
    const first = lock();
    await first.acquire();
    await expect(lock().acquire()).rejects.toThrow(
      expect.objectContaining({
        code: 'InvalidConfiguration',
        message: expect.stringContaining(`tables is in use by another operator, process ${process.pid}.`),
      }),
    );
    await first.release();
    expect(await readdir(folder)).toEqual([]);
    const second = lock();
    await second.acquire();
    await first.release();
    expect(await second.holder()).toMatchObject({ pid: process.pid });
    await second.release();
  });

  it('names the other process, and takes over when that one was killed', async () => {
    const child = spawn(process.execPath, ['--eval', 'setInterval(() => undefined, 1000)'], { stdio: 'ignore' });
    await once(child, 'spawn');
    await leave({ pid: child.pid });
    await expect(lock().acquire()).rejects.toThrow(`process ${child.pid}`);
    child.kill('SIGKILL');
    await once(child, 'exit');
    const own = lock();
    await own.acquire();
    const holder = await own.holder();
    expect(holder && own.isOwn(holder)).toBe(true);
    expect(await readdir(folder)).toEqual(['lock']);
  });

  it('takes over from an earlier process with the same process ID, as in a container', async () => {
    await leave({});
    await expect(lock().acquire()).resolves.toBeUndefined();
  });

  it.each(['', '{"pid":'])('takes over what a crash left half-made: %j', async (content) => {
    await writeFile(file, content);
    await lock().acquire();
    expect(JSON.parse(await readFile(file, 'utf8')).pid).toBe(process.pid);
  });

  it('respects the lock of another machine until it is a minute old', async () => {
    await leave({ host: 'elsewhere', pid: 1 });
    await expect(lock().acquire()).rejects.toThrow('process 1 on elsewhere');
    const before = new Date(Date.now() - 61_000);
    await utimes(file, before, before);
    const own = lock();
    await own.acquire();
    await utimes(file, before, before);
    await own.refresh();
    await leave({ host: 'elsewhere', pid: 2 });
    await own.release();
    expect(await own.holder()).toMatchObject({ pid: 2 });
  });

  it('is acquired by only one of several processes that find it stale', async () => {
    await leave({ token: 'dead' });
    const outcomes = await Promise.allSettled(Array.from({ length: 5 }, () => lock().acquire()));
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  });
});
