import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { installMariaDb } from '../databases/install-mariadb.ts';

await installMariaDb(console.error);

const main = fileURLToPath(new URL('./main.ts', import.meta.url));

/** Runs the demo with its own folder for temporary files, which must be empty afterwards. */
async function demo(...flags: string[]) {
  const temporary = await mkdtemp(join(tmpdir(), 'demo-test-'));
  // PostgreSQL refuses to run as root; it then accesses its data as another user.
  await chmod(temporary, 0o777);
  const child = spawn(process.execPath, [main, ...flags], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, TMPDIR: temporary, NO_COLOR: '1' },
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
    left: () => readdir(temporary),
  };
}

describe('the demo', () => {
  it('prints plain lines, exits with 0 and leaves nothing behind', { timeout: 120_000 }, async () => {
    const { output, code, left } = await demo();
    expect(await code(), output()).toBe(0);
    for (const line of [
      /NoPlugin {2}waiting for MariaDB with API version \^1\.0\.0: none is registered/,
      /PluginSelected {2}True {4}Fallback {3}PostgreSQL 1\.0\.0 is the fallback for MariaDB/,
      /4 in total +1000/,
      /id +numeric\(20,0\) +-> +id +bigint/,
      /name +text +-> +email +text/,
      /sessions moved once: PostgreSQL 1\.0\.0 -> SQLite 1\.0\.0/,
      /users moved once: PostgreSQL 1\.0\.0 -> MariaDB 1\.0\.0/,
      /\d+ reconciles, none failed; the old process finished in-flight calls and exited with 0/,
      /users was reconciled by PostgreSQL [\d.]+ m?s later/,
      /DatabaseTable\/users +MariaDB +PostgreSQL 1\.1\.0 +Fallback +True +2/,
      /DatabaseTable\/sessions +SQLite +SQLite 1\.0\.0 +Preferred +True +1/,
    ]) {
      expect(output()).toMatch(line);
    }
    expect(output()).not.toContain('\u001b');
    expect(await left()).toEqual([]);
  });

  it('cleans up on SIGINT', async () => {
    const { child, output, code, left } = await demo();
    await vi.waitFor(() => expect(output()).toContain('A real PostgreSQL starts'), { timeout: 30_000 });
    child.kill('SIGINT');
    expect(await code()).toBe(130);
    expect(output()).toContain('interrupted; cleaning up');
    expect(await left()).toEqual([]);
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
});
