import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { installMariaDb } from '../databases/install-mariadb.ts';

await installMariaDb(console.error);

const main = fileURLToPath(new URL('./main.ts', import.meta.url));

/** Runs the demo with its own folder for temporary files, which must be empty afterwards. */
async function demo(...flags: string[]) {
  return await demoIn({}, ...flags);
}

async function demoIn(env: Record<string, string>, ...flags: string[]) {
  const temporary = await mkdtemp(join(tmpdir(), 'demo-test-'));
  // PostgreSQL refuses to run as root; it then accesses its data as another user.
  await chmod(temporary, 0o777);
  const child = spawn(process.execPath, [main, ...flags], {
    // In its own process group, as under a shell.
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, TMPDIR: temporary, NO_COLOR: '1', ...env },
  });
  onTestFinished(async () => {
    child.kill('SIGKILL');
    await rm(temporary, { recursive: true, force: true });
  });
  let output = '';
  const hear = (chunk: Buffer) => {
    output += chunk.toString();
  };
  for (const stream of [child.stdout, child.stderr]) stream.on('data', hear);
  const exit = once(child, 'exit');
  return {
    child,
    output: () => output,
    code: async () => ((await exit) as [number | null])[0],
    /** Signals the whole process group, as a terminal does on Ctrl-C. */
    signalGroup: (signal: NodeJS.Signals) => {
      // On a busy machine the demo may have exited before a later signal.
      if (child.exitCode === null && child.signalCode === null) signalProcessGroup(child.pid ?? 0, signal);
    },
    left: () => readdir(temporary),
    processes: () => processesIn(temporary),
  };
}

function signalProcessGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/** Returns the commands of processes that name a folder in their arguments or environment. Linux only; none elsewhere. */
async function processesIn(folder: string): Promise<string[]> {
  const ids = await readdir('/proc').catch(() => []);
  const found = await Promise.all(
    ids
      .filter((id) => /^\d+$/.test(id))
      .map(async (id) => {
        const read = (file: string) => readFile(`/proc/${id}/${file}`, 'utf8').catch(() => '');
        const [command, environment] = await Promise.all([read('cmdline'), read('environ')]);
        return command && `${command}${environment}`.includes(folder) ? command.replaceAll('\0', ' ') : '';
      }),
  );
  return found.filter(Boolean);
}

describe('the demo', () => {
  it('prints plain lines, exits with 0 and leaves nothing behind', { timeout: 120_000 }, async () => {
    const { output, code, left } = await demo();
    expect(await code(), output()).toBe(0);
    for (const line of [
      /NoPlugin {2}waiting for MariaDB with API/,
      /PluginSelected {2}True {4}Fallback {3}PostgreSQL 1\.0\.0 is the fallback for/,
      /4 in total +1000/,
      /id +numeric\(20,0\) +-> +id +bigint/,
      /name +text +-> +email +text/,
      /sessions moved once: PostgreSQL 1\.0\.0 -> SQLite 1\.0\.0/,
      /users moved once: PostgreSQL 1\.0\.0 -> MariaDB 1\.0\.0/,
      /\d+ reconciles, none failed; the old process finished its calls and exited/,
      /users was reconciled by PostgreSQL [\d.]+ m?s later/,
      /users +MariaDB +PostgreSQL 1\.1\.0 +Fallback +True +2/,
      /sessions +SQLite +SQLite 1\.0\.0 +Preferred +True +1/,
    ]) {
      expect(output()).toMatch(line);
    }
    expect(output()).not.toContain('\u001b');
    // Frames on a terminal add at most three characters. Commands may be longer, as they contain paths.
    expect(
      output()
        .split('\n')
        .filter((line) => line.length > 77 && !/^ {2}(npx|curl) /.test(line)),
    ).toEqual([]);
    expect(await left()).toEqual([]);
  });

  it.each(['Kplug: plugins that reconcile', 'its status', 'A real PostgreSQL starts', 'moves to it'])(
    'leaves nothing behind on Ctrl-C after "%s"',
    { timeout: 120_000 },
    async (moment) => {
      const { output, code, left, processes, signalGroup } = await demo();
      await vi.waitFor(() => expect(output()).toContain(moment), { timeout: 90_000, interval: 5 });
      signalGroup('SIGINT');
      expect(await code(), output()).toBe(130);
      expect(output()).toContain('interrupted; cleaning up');
      expect(await left()).toEqual([]);
      await vi.waitFor(async () => expect(await processes()).toEqual([]), { timeout: 5_000 });
    },
  );

  it('leaves nothing behind if signals follow each other, as from package managers that forward them', async () => {
    const { output, code, left, processes, signalGroup } = await demo();
    // With a database the cleanup takes long enough for signals during it.
    await vi.waitFor(() => expect(output()).toContain('A real PostgreSQL starts'), { timeout: 90_000, interval: 5 });
    signalGroup('SIGTERM');
    await vi.waitFor(() => expect(output()).toContain('interrupted; cleaning up'), { timeout: 30_000, interval: 5 });
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGINT'] as const) signalGroup(signal);
    expect(await code(), output()).toBe(130);
    expect(await left()).toEqual([]);
    await vi.waitFor(async () => expect(await processes()).toEqual([]), { timeout: 5_000 });
  });

  it('keeps everything running until SIGINT with --keep', { timeout: 120_000 }, async () => {
    const { child, output, code, left } = await demo('--keep');
    await vi.waitFor(() => expect(output()).toContain('Press Ctrl-C to stop'), { timeout: 60_000 });
    const admin = /explain \S+ --admin (\S+)/.exec(output())?.[1];
    expect((await fetch(`${admin}/readyz`)).status).toBe(200);
    child.kill('SIGINT');
    expect(await code()).toBe(0);
    expect(await left()).toEqual([]);
  });

  it('shows the page of its operator with --watch until SIGINT, and says where without a display', async () => {
    const none = { DISPLAY: '', WAYLAND_DISPLAY: '', WSL_DISTRO_NAME: '' };
    const { child, output, code, left } = await demoIn(none, '--watch', '--pause', '0');
    await vi.waitFor(() => expect(output()).toMatch(/there is no display: open \S+ in a browser/), {
      timeout: 60_000,
    });
    const page = /there is no display: open (\S+)/.exec(output())?.[1] ?? '';
    expect(await (await fetch(page)).text()).toMatch(/^<!doctype html>/i);
    await vi.waitFor(() => expect(output()).toContain('Press Ctrl-C to stop'), { timeout: 60_000 });
    expect((await fetch(page)).status).toBe(200);
    child.kill('SIGINT');
    expect(await code()).toBe(0);
    expect(await left()).toEqual([]);
  });
});
