import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished, vi } from 'vitest';
import { isSource, SourceWatch } from './source-watch.ts';

const waiting = { timeout: 10_000, interval: 10 };

it.each([
  ...['plugin.ts', 'src/plan.ts', 'plan.py', 'main.go', 'package.json', 'package-lock.json', 'plugin.yaml', 'go.mod'],
  ...['templates/table.sql', 'requirements.txt', 'requirements-dev.txt', 'uv.lock', 'data/words'],
])('counts %s as a source', (path) => {
  expect(isSource(path)).toBe(true);
});

it.each([
  ...['node_modules/zod/index.js', '.git/index', '.venv/lib/x.py', 'src/__pycache__/plan.pyc', 'dist/plugin.js'],
  ...['README.md', 'greetings.txt', 'plugin.log', '.plugin.ts.swp', 'plugin.ts~', '4913', '.#plugin.ts', 'state.db'],
  ...[
    'plugin.test.ts',
    'test_plugin.py',
    'plan_test.go',
    'conftest.py',
    'Dockerfile',
    'plugin',
    'samples/.kplug/a.json',
  ],
])('does not count %s as a source', (path) => {
  expect(isSource(path)).toBe(false);
});

it('counts only code beside a file without a project', () => {
  expect(['other.ts', 'lib/words.py', 'photo.jpg', 'notes.yaml'].filter((path) => isSource(path, true))).toEqual([
    'other.ts',
    'lib/words.py',
  ]);
});

/** Watches a folder with a file `plugin.ts`. */
async function watch(excluded: readonly string[] = []) {
  const folder = await mkdtemp(join(tmpdir(), 'kplug-watch-'));
  const path = (name: string) => join(folder, name);
  await writeFile(path('plugin.ts'), 'one');
  const changes: (readonly string[])[] = [];
  const start = async () => {
    const target = {
      ...{ name: 'plugin', path: folder, folder, language: 'node' as const, entry: 'plugin.ts' },
      ...{ arguments: [], settings: {}, isBareFile: false },
    };
    const options = {
      target,
      excluded: excluded.map(path),
      onChange: (files: readonly string[]) => changes.push(files),
    };
    const watched = new SourceWatch(options);
    await watched.start();
    onTestFinished(async () => {
      await watched.close();
      await rm(folder, { recursive: true });
    });
  };
  return { path, changes, start };
}

it('reports several saves in a short time once, and those of editors that rename', async () => {
  const { path, changes, start } = await watch();
  await start();
  for (const text of ['two', 'three', 'four']) await writeFile(path('plugin.ts'), text);
  await writeFile(path('plan.ts'), 'new');
  await vi.waitFor(() => expect(changes).toEqual([['plan.ts', 'plugin.ts']]), waiting);
  // As vim does: the former file becomes a backup, and the new one is written in its place.
  await rename(path('plugin.ts'), path('plugin.ts~'));
  await writeFile(path('plugin.ts'), 'five');
  await rm(path('plugin.ts~'));
  await vi.waitFor(() => expect(changes.slice(1)).toEqual([['plugin.ts']]), waiting);
});

it('does not report the manifests and generated files', async () => {
  const { path, changes, start } = await watch(['samples', 'kplug.yaml']);
  for (const folder of ['samples', 'node_modules', 'src']) await mkdir(path(folder));
  await start();
  for (const file of ['samples/a.yaml', 'kplug.yaml', 'node_modules/a.js', 'README.md', 'src/a.ts']) {
    await writeFile(path(file), 'text');
  }
  await vi.waitFor(() => expect(changes.flat()).toContain('src/a.ts'), waiting);
  expect(changes.flat()).toEqual(['src/a.ts']);
});

it('follows links, but not those to the folder and to those above', async () => {
  const { path, changes, start } = await watch();
  const elsewhere = await mkdtemp(join(tmpdir(), 'kplug-linked-'));
  onTestFinished(() => rm(elsewhere, { recursive: true }));
  await symlink(elsewhere, path('linked'));
  await symlink('.', path('same'));
  await symlink('..', path('above'));
  await start();
  await writeFile(join(elsewhere, 'shared.ts'), 'text');
  await vi.waitFor(() => expect(changes).toEqual([['linked/shared.ts']]), waiting);
  await writeFile(path('plugin.ts'), 'two');
  await vi.waitFor(() => expect(changes.slice(1)).toEqual([['plugin.ts']]), waiting);
});
