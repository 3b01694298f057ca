import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { commandTarget, findTargets } from './find-targets.ts';

const sdk = `import { definePlugin } from '@kplug/sdk';\n`;

/** Finds the plugins of a folder with files. */
async function find(files: Record<string, string>, paths: readonly string[] = []) {
  const folder = await mkdtemp(join(tmpdir(), 'kplug-find-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  for (const [file, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, file)), { recursive: true });
    await writeFile(join(folder, file), text);
  }
  const targets = await findTargets(paths, folder);
  return targets.map(({ language, entry, arguments: args, isBareFile, folder: of, name }) => {
    return { name: of === folder && !isBareFile ? '' : name, language, run: [entry, ...args].join(' '), isBareFile };
  });
}

const node = (run: string) => [{ name: '', language: 'node', run, isBareFile: false }];
const python = (run: string) => [{ name: '', language: 'python', run, isBareFile: false }];

it.each([
  [
    'plugin.yaml with node',
    { 'plugin.yaml': 'command: node\narguments: [plugin.ts, --fast]', 'package.json': '{}' },
    node('plugin.ts --fast'),
  ],
  [
    'plugin.yaml of an image with Python',
    { 'plugin.yaml': 'command: ./python/bin/python3\narguments: [-u, plugin.py]' },
    python('plugin.py'),
  ],
  [
    'plugin.yaml of a Go module',
    { 'plugin.yaml': 'command: ./plugin\narguments: [--fast]', 'go.mod': 'module x' },
    [{ name: '', language: 'go', run: '. --fast', isBareFile: false }],
  ],
  [
    'script of package.json',
    { 'package.json': '{"scripts":{"start":"node --inspect src/go.ts"}}', 'src/go.ts': '' },
    node('src/go.ts'),
  ],
  ['main of package.json', { 'package.json': '{"main":"lib/a.js"}', 'lib/a.js': '' }, node('lib/a.js')],
  [
    'package.json beside a plugin',
    { 'package.json': '{}', 'hello.ts': sdk, 'hello.test.ts': sdk, 'words.ts': '' },
    node('hello.ts'),
  ],
  ['pyproject.toml', { 'pyproject.toml': '', 'main.py': '' }, python('main.py')],
  [
    'requirements.txt beside a plugin',
    { 'requirements.txt': '', 'greeter.py': 'from kplug import Plugin', 'a.py': '' },
    python('greeter.py'),
  ],
  [
    'files without a project',
    { 'a.ts': sdk, 'b.py': 'import kplug\n', 'c.ts': 'none' },
    [
      { name: 'a.ts', language: 'node', run: 'a.ts', isBareFile: true },
      { name: 'b.py', language: 'python', run: 'b.py', isBareFile: true },
    ],
  ],
  [
    'a folder plugins',
    { 'plugins/hello.ts': sdk, 'plugins/go/go.mod': 'module x', 'kplug.yaml': '' },
    [
      { name: 'hello.ts', language: 'node', run: 'hello.ts', isBareFile: true },
      { name: 'go', language: 'go', run: '.', isBareFile: false },
    ],
  ],
])('finds the plugin of %s', async (_, files, expected) => {
  expect(await find(files as Record<string, string>)).toEqual(expected);
});

it('finds what paths name, and distinguishes equal names', async () => {
  const files = { 'a/plugin.ts': '', 'b/plugin.ts': '', 'c/go.mod': '' };
  expect((await find(files, ['a/plugin.ts', 'b/plugin.ts', 'c'])).map(({ name }) => name)).toEqual([
    'a/plugin.ts',
    'b/plugin.ts',
    'c',
  ]);
});

it('rejects with what is wrong', async () => {
  await expect(find({ 'a.txt': '' })).rejects.toThrow(/no plugin found in .*kplug init plugin/);
  await expect(find({ 'a.txt': '' }, ['b.ts'])).rejects.toThrow(/b\.ts does not exist/);
  await expect(find({ 'plugin.yaml': 'command: [' })).rejects.toThrow(/plugin\.yaml:\d+:\d+: /);
  await expect(find({ 'package.json': '{' })).rejects.toThrow(/package\.json can't be read/);
});

it('takes a command as it is', () => {
  expect(commandTarget(['java', '-jar', 'x.jar'], '/home/me/plugin')).toMatchObject({
    ...{ name: 'plugin', language: 'other', entry: 'java', arguments: ['-jar', 'x.jar'], folder: '/home/me/plugin' },
  });
});
