import { execFile } from 'node:child_process';
import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { expect, it, onTestFinished } from 'vitest';
import { formatSlowestFiles } from './slowest-files.ts';

it('lists ten files, slowest first', () => {
  const times = Array.from({ length: 12 }, (_, index) => ({ file: `${index}.test.ts`, milliseconds: index * 1_000 }));
  const lines = formatSlowestFiles(times).split('\n');
  expect(lines).toHaveLength(11);
  expect(lines.slice(0, 2)).toEqual(['Slowest test files', '    11.0 s  11.test.ts']);
  expect(lines.at(-1)).toBe('     2.0 s  2.test.ts');
});

it('prints the list before the summary of a run', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'kplug-slowest-files-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const modules = resolve(import.meta.dirname, '../../node_modules');
  await symlink(modules, join(folder, 'node_modules'));
  const reporter = join(import.meta.dirname, 'slowest-files.ts');
  await writeFile(
    join(folder, 'vitest.config.ts'),
    `export default { test: { reporters: [${JSON.stringify(reporter)}, 'default'] } };\n`,
  );
  const imports = "import { it } from 'vitest';\n";
  await writeFile(join(folder, 'quick.test.ts'), `${imports}it('works', () => {});\n`);
  const slow = "it('works', () => new Promise((resolve) => setTimeout(resolve, 300)));\n";
  await writeFile(join(folder, 'slow.test.ts'), imports + slow);
  const env = { ...process.env, NO_COLOR: '1', FORCE_COLOR: undefined };
  const { stdout } = await promisify(execFile)(process.execPath, [join(modules, 'vitest/vitest.mjs'), 'run'], {
    cwd: folder,
    env,
  });
  expect(stdout).toMatch(
    /Slowest test files\n +[\d.]+ s {2}slow\.test\.ts\n +[\d.]+ s {2}quick\.test\.ts\n.*Test Files {2}2 passed/s,
  );
});
