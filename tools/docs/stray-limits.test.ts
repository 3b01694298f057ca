import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { strayLimits } from './stray-limits.ts';

const packages = resolve(import.meta.dirname, '../../packages');

/** Constants that are no limits, each with the reason. */
const allowed: Record<string, string> = {
  'discovery/probed-instances.ts: const idleInterval = 100;': 'polling step of the wait for in-flight calls',
  'registry/clock.ts: const tick = 250;': 'polling step of the clock',
  'files/checked-lines.ts: const readSize = 1024 * 1024;': 'size of a buffer',
  'files/read-up-to.ts: const chunkSize = 64 * 1024;': 'size of a buffer',
  'paging/sort-sliced.ts: const runLength = 1_024;': 'step of an algorithm',
  'resources/directory/lock-observation.ts: const lookInterval = 50;': 'polling step of the observation of a lock',
  'resources/directory/lock-observation.ts: const shortTime = 3 * lockRefreshInterval;': 'derived from a limit',
  'supervisor/download/archive-reader.ts: const blockSize = 512;': 'size of a block of a format',
  'supervisor/hosted-process.ts: const groupInterval = 50;': 'polling step of the wait for a process group',
  'supervisor/launch.ts: export const notStarted = 125;': 'exit code',
};

it('the table of limits is the only place where the controller defines a limit', () => {
  expect(strayLimits(join(packages, 'controller/src'), ['limits']).sort()).toEqual(Object.keys(allowed).sort());
});

it('the table of limits is the only place where the SDK defines a limit', () => {
  expect(strayLimits(join(packages, 'sdk/src'), ['limits.ts'])).toEqual([]);
});

it.each([
  'const timeout = 15_000;',
  'export const maxSize = 4 * 1024 * 1024;',
  'const maxAttempts = 5;',
  'const checkInterval: number = 50;',
  '    stopTimeout: options.stopTimeout ?? 5_000,',
  '  constructor(parts: Parts, { interval = 10_000, timeout = 2_000 }: Options = {}) {',
  '  timeout = 5_000,',
  "  'grpc.keepalive_time_ms': 30_000,",
  'const retryDelays = { initial: 100, max: 5_000 };',
  '  deadline: duration.default(60_000),',
])('finds %s', (line) => {
  expect(strayLimits(sourceWith({ 'a/b.ts': `${line}\n` }), [])).toEqual([`a/b.ts: ${line.trim()}`]);
});

it('ignores tests, comments, the table, and other numbers', () => {
  const source = sourceWith({
    'a.test.ts': 'const timeout = 15_000;\n',
    'a.ts': '// const timeout = 15_000;\n/** Default ?? 5_000 */\nconst ok: Page = { status: 200 };\nlet count = 0;\n',
    'limits/a.ts': 'export const maxSize = 4_096;\n',
  });
  expect(strayLimits(source, ['limits'])).toEqual([]);
});

function sourceWith(files: Record<string, string>): string {
  const folder = mkdtempSync(join(tmpdir(), 'kplug-limits-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), content);
  }
  return folder;
}
