import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rename, rm, utimes, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { DirectoryLock } from './directory-lock.ts';
import { ownIdentity } from './process-identity.ts';

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

  /** Leaves the lock of this version of Kplug. */
  async function leaveCurrent(holder: object): Promise<void> {
    await leave({ ...(await ownIdentity()), since: '2026-01-01T12:00:00.000Z', refreshInterval: 500, ...holder });
  }

  async function startProgram(program: string, ...args: string[]): Promise<ChildProcess> {
    const child = spawn(program, args, { stdio: 'ignore' });
    onTestFinished(() => void child.kill('SIGKILL'));
    await once(child, 'spawn');
    return child;
  }

  /** Returns how long a lock took to be acquired, in milliseconds. */
  async function acquired(): Promise<number> {
    const startedAt = performance.now();
    const own = lock();
    await own.acquire();
    const duration = performance.now() - startedAt;
    expect(await readdir(folder)).toEqual(['lock']);
    await own.release();
    return duration;
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

  it.runIf(process.platform === 'linux').each([
    ['of this version', {}],
    [
      'of an earlier version',
      { bootId: undefined, startTime: undefined, since: undefined, refreshInterval: undefined },
    ],
  ])('is taken over from a process %s whose process ID belongs to another program now', async (_, fields) => {
    const { pid } = await startProgram('sleep', '600');
    await leaveCurrent({ pid, ...fields });
    expect(await acquired()).toBeLessThan(2_000);
  });

  it.runIf(process.platform === 'linux')('is taken over from a process before the machine booted', async () => {
    await leaveCurrent({ bootId: 'an earlier one' });
    await utimes(file, 1, 1);
    expect(await acquired()).toBeLessThan(2_000);
  });

  it('is taken over from an earlier process with the same identity as this one', async () => {
    await leaveCurrent({});
    expect(await acquired()).toBeLessThan(2_500);
  });

  it.each([
    ['another container', { pidNamespace: 'pid:[1]', pid: 1 }, 'process 1 in another container'],
    ['another machine', { host: 'elsewhere', bootId: 'other', pid: 1 }, 'process 1 on elsewhere'],
    ['a machine with the same name', { bootId: 'other', pid: 1 }, 'process 1'],
  ])('of %s is respected as long as it is refreshed', async (_, fields, holder) => {
    await leaveCurrent(fields);
    // The clock of another machine may be wrong.
    let count = 1;
    const refreshing = setInterval(() => void utimes(file, count, count++), 500);
    onTestFinished(() => clearInterval(refreshing));
    await expect(lock().acquire()).rejects.toThrow(
      `tables is in use by another operator, ${holder}. It has held the lock since 2026-01-01T12:00:00.000Z. Stop that`,
    );
    expect(await readdir(folder)).toEqual(['lock']);
  });

  it('of another container is taken over when it is no longer refreshed', async () => {
    await leaveCurrent({ pidNamespace: 'pid:[1]', pid: 1 });
    const messages: string[] = [];
    const startedAt = performance.now();
    const own = new DirectoryLock(file, 'tables', (message) => messages.push(message));
    await own.acquire();
    expect(performance.now() - startedAt).toBeGreaterThan(14_000);
    expect(performance.now() - startedAt).toBeLessThan(20_000);
    expect(messages).toEqual([
      'waiting up to 15 s to find out whether process 1 in another container still uses tables',
    ]);
    await own.release();
  }, 30_000);

  it('of a process in another PID namespace is respected, although that has the same process ID', async ({ skip }) => {
    const script = fileURLToPath(new URL('./lock-race.fixture.ts', import.meta.url));
    const namespace = ['--pid', '--fork', '--mount-proc', '--kill-child'];
    const child = spawn('unshare', [...namespace, process.execPath, script, file, '0'], {
      stdio: ['pipe', 'pipe', 'ignore'],
    });
    child.on('error', () => undefined);
    onTestFinished(() => void child.kill('SIGKILL'));
    const [line] = await once(createInterface(child.stdout), 'line', {
      signal: AbortSignal.timeout(10_000),
    }).catch(() => []);
    if (line !== 'won') skip('PID namespaces can only be created by root');
    await expect(lock().acquire()).rejects.toThrow('process 1 in another container');
    child.stdin.end();
    await once(child, 'exit');
    expect(await acquired()).toBeLessThan(2_000);
  }, 30_000);

  it('is taken over although an earlier take-over was interrupted', async () => {
    const gone = { pid: 2 ** 30, startTime: '1' };
    await leaveCurrent({ ...gone, token: 'first' });
    const first = await readFile(file, 'utf8');
    await leaveCurrent({ ...gone, token: 'second' });
    await rename(file, `${file}.after-first`);
    await leaveCurrent({ ...gone, token: 'third' });
    await rename(file, `${file}.after-second`);
    await writeFile(file, first);
    expect(await acquired()).toBeLessThan(2_000);
  });

  it('is kept by one of several processes that take it over at the same time', async () => {
    await leaveCurrent({ pid: 2 ** 30, token: 'dead' });
    const script = fileURLToPath(new URL('./lock-race.fixture.ts', import.meta.url));
    const at = Date.now() + 4_000;
    const children = Array.from({ length: 4 }, () =>
      spawn(process.execPath, [script, file, `${at}`], { stdio: ['pipe', 'pipe', 'inherit'] }),
    );
    const outcomes = await Promise.all(
      children.map(async ({ stdout }) => String((await once(createInterface(stdout), 'line'))[0])),
    );
    // One that found the stale lock at the same time may have had it for a moment, and is then named.
    const named = new RegExp(`in use by another operator, process (${children.map(({ pid }) => pid).join('|')})\\.`);
    expect(outcomes.filter((outcome) => outcome !== 'won')).toEqual(
      Array.from({ length: 3 }, () => expect.stringMatching(named)),
    );
    expect(await readdir(folder)).toEqual(['lock']);
    for (const child of children) {
      child.stdin.end();
      await once(child, 'exit');
    }
    expect(await readdir(folder)).toEqual([]);
  }, 30_000);

  it('is known to be lost when another process has taken it over', async () => {
    const own = lock();
    await own.acquire();
    await expect(own.verify()).resolves.toBeUndefined();
    await leaveCurrent({ host: 'elsewhere', pid: 7 });
    const expectLost = (message: string) =>
      vi.waitFor(() => expect(own.verify()).rejects.toThrow(message), { timeout: 5_000 });
    await expectLost('tables is now in use by another operator, process 7 on elsewhere');
    await rm(file);
    await expectLost('does not exist any more');
    await own.release();
  });

  it('is acquired by only one of several processes that find it stale', async () => {
    await leave({ token: 'dead' });
    const outcomes = await Promise.allSettled(Array.from({ length: 5 }, () => lock().acquire()));
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  });
});
