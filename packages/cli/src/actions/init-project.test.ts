import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { kplug } from '@kplug/testing/kplug';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { languages } from '../init/project-names.ts';

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'kplug-init-'));
});

afterEach(() => rm(folder, { recursive: true }));

// The package manager that runs these tests counts as that of the user.
const env = { npm_config_user_agent: '' };
const init = (...args: string[]) => kplug(['init', 'plugin', ...args], { cwd: folder, env });
const initAny = (...args: string[]) => kplug(['init', ...args], { cwd: folder, env });

async function filesIn(where: string): Promise<Record<string, string>> {
  const entries = await readdir(where, { recursive: true, withFileTypes: true });
  const paths = entries.filter((entry) => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name));
  const texts = await Promise.all(paths.map((path) => readFile(path, 'utf8')));
  return Object.fromEntries(paths.map((path, index) => [path.slice(where.length + 1), texts[index] ?? '']));
}

describe('kplug init plugin', () => {
  it.each(languages)('creates a plugin in %s, with all names filled in', async (language) => {
    const names = ['--name', 'PostgreSQL', '--kind', 'Policy', '--group', 'my.org', '--api', 'Tables@2.1.0'];
    const { code, stdout, stderr } = await init('new/one', '--language', language, ...names, '--image', 'r.io/me/pg');
    expect({ code, stderr }).toEqual({
      code: 0,
      stderr: expect.stringMatching(
        /^created the plugin PostgreSQL with \d+ files in new\/one; README.md describes them\n\nNext:\n {2}cd new\/one\n/,
      ),
    });
    const files = await filesIn(join(folder, 'new/one'));
    expect(Object.keys(files).sort()).toEqual(stdout.trim().split('\n').sort());
    expect(Object.keys(files)).toEqual(
      expect.arrayContaining(['.github/workflows/plugin.yaml', '.gitignore', 'Dockerfile', 'README.md', 'plugin.yaml']),
    );
    for (const [path, text] of Object.entries(files)) {
      expect(text, path).not.toMatch(/__[A-Z]+(_[A-Z]+)*__|FirstFit|first-fit|AddressPlan/);
      if (path.endsWith('.yaml')) expect(parse(text), path).toEqual(expect.anything());
    }
    expect(parse(files['manifests/kind/crd.yaml'] ?? '')).toMatchObject({
      metadata: { name: 'policies.my.org' },
      spec: { group: 'my.org', names: { kind: 'Policy', plural: 'policies', singular: 'policy' } },
    });
    expect(parse(files['manifests/kind/delegation.yaml'] ?? '')).toMatchObject({
      spec: { base: { apiVersion: 'my.org/v1alpha1', kind: 'Policy' }, api: 'Tables@^2.1.0' },
    });
    expect(files['manifests/deployment/deployment.yaml']).toContain('image: r.io/me/pg:0.1.0');
    expect(files['.github/workflows/plugin.yaml']).toContain('registry: r.io');
    expect(files['README.md']?.match(/^ ?\d+\. \*\*/gm)).toHaveLength(10);
  });

  it('does not ask without a terminal, and names the plugin after its directory', async () => {
    expect((await init('my-first_plugin')).code).toBe(0);
    const { 'plugin.ts': plugin, 'package.json': packageJson = '' } = await filesIn(join(folder, 'my-first_plugin'));
    expect(plugin).toContain("name: 'MyFirstPlugin'");
    expect(plugin).toContain("api: 'AddressPlan@1.0.0'");
    expect(JSON.parse(packageJson)).toMatchObject({ name: 'my-first-plugin' });
  });

  it('accepts the current directory with an empty Git repository', async () => {
    await mkdir(join(folder, '.git'));
    await writeFile(join(folder, '.git', 'config'), 'mine');
    expect((await init('--yes', '--name', 'Here')).code).toBe(0);
    expect(await filesIn(folder)).toMatchObject({
      '.git/config': 'mine',
      'plugin.ts': expect.stringContaining('Here'),
    });
  });

  it('writes nothing to a directory that is not empty', async () => {
    for (const name of ['a', 'b', 'c', 'README.md']) await writeFile(join(folder, name), 'mine');
    const { code, stdout, stderr } = await init('--yes');
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toBe(
      'kplug: the current directory is not empty: it contains README.md, a, b, …; give a new or empty directory\n',
    );
    expect(await filesIn(folder)).toEqual({ a: 'mine', b: 'mine', c: 'mine', 'README.md': 'mine' });
    const file = await init('a');
    expect({ code: file.code, stderr: file.stderr }).toEqual({ code: 2, stderr: expect.stringContaining('ENOTDIR') });
  });

  it.each([
    [['--name', 'no name'], /"no name" is not a valid name; write one such as FirstFit \(--name\)/],
    [['--kind', 'plan'], /"plan" is not a valid kind; write one such as AddressPlan \(--kind\)/],
    [['--group', 'org'], /"org" is not a valid API group; write one such as example.org \(--group\)/],
    [['--api', 'Plan@1'], /"Plan@1" is not a valid plugin API; .* \(--api\)/],
    [['--image', 'Me/x:1'], /"Me\/x:1" is not a valid image without a tag; .* \(--image\)/],
    [['--language', 'java'], /'java' is invalid. Allowed choices are typescript, python, go/],
  ])('refuses %j', async (args, message) => {
    const { code, stderr } = await init('new', ...args);
    expect(code).toBe(2);
    expect(stderr).toMatch(message);
    expect(await readdir(folder)).toEqual([]);
  });
});

describe('kplug init', () => {
  it.each(languages)('creates the same as `kplug init plugin` in %s', async (language) => {
    const { code, stderr } = await initAny('one', '--language', language, '--name', 'Same', '--yes');
    expect({ code, stderr }).toEqual({ code: 0, stderr: expect.stringContaining('created the plugin Same with ') });
    await init('two', '--language', language, '--name', 'Same');
    expect(await filesIn(join(folder, 'one'))).toEqual(await filesIn(join(folder, 'two')));
    expect(Object.keys(await filesIn(join(folder, 'one')))).toEqual(
      expect.arrayContaining(['kplug.yaml', 'manifests/kind/crd.yaml', 'samples/office.yaml']),
    );
  });

  it('prints the next commands last, for the package manager that runs it', async () => {
    const run = async (agent: string) => {
      await rm(join(folder, 'my plugin'), { recursive: true, force: true });
      const env = { npm_config_user_agent: agent };
      return (await kplug(['init', 'my plugin', '--yes'], { cwd: folder, env })).stderr;
    };
    expect(await run('')).toMatch(/Next:\n {2}cd 'my plugin'\n {2}npm install\n {2}npm test\n {2}npx kplug dev\n$/);
    expect(await run('pnpm/12.21.0 npm/? node/v24.9.0 linux x64')).toMatch(
      / {2}pnpm install\n {2}pnpm test\n {2}pnpm exec kplug dev\n/,
    );
    expect(await filesIn(join(folder, 'my plugin'))).toHaveProperty(['pnpm-workspace.yaml']);
    expect(await run('yarn/4.18.1 npm/? node/v24.9.0 linux x64')).toMatch(
      / {2}yarn install\n {2}yarn test\n {2}yarn exec kplug dev\n/,
    );
    expect(await filesIn(join(folder, 'my plugin'))).toHaveProperty(['.yarnrc.yml']);
  });

  it.each(languages)('ends with a command of kplug that exists: %s', async (language) => {
    const { stderr } = await initAny('new', '--language', language, '--yes');
    const [, command = ''] = /(?:npx kplug|@kplug\/cli@\S+) (\w+)\n$/.exec(stderr) ?? [];
    expect((await kplug([command, '--help'])).stdout).toContain(`Usage: kplug ${command} `);
  });

  it('leaves out `cd` in the current directory', async () => {
    const { stderr } = await initAny('--yes', '--name', 'Here');
    expect(stderr).toMatch(
      /^created the plugin Here with \d+ files in the current directory; README.md describes them\n\nNext:\n {2}npm install\n/,
    );
  });

  it('reports a directory in which it may not write', async () => {
    await writeFile(join(folder, 'file'), 'mine');
    const { code, stderr } = await initAny(join('file', 'new'), '--yes');
    expect({ code, stderr }).toEqual({
      code: 2,
      stderr: expect.stringMatching(/^kplug: cannot use the directory file\/new: ENOTDIR/),
    });
    expect(await filesIn(folder)).toEqual({ file: 'mine' });
  });
});

describe('kplug init operator', () => {
  it('creates an operator, with all names filled in', async () => {
    const names = ['--name', 'TableOperator', '--kind', 'Policy', '--group', 'my.org', '--api', 'Tables@2.1.0'];
    const { code, stdout, stderr } = await initAny('operator', 'new', ...names, '--image', 'r.io/me/op', '--yes');
    expect({ code, stderr }).toEqual({
      code: 0,
      stderr: expect.stringMatching(/^created the operator TableOperator with \d+ files in new; /),
    });
    const files = await filesIn(join(folder, 'new'));
    expect(Object.keys(files).sort()).toEqual(stdout.trim().split('\n').sort());
    for (const [path, text] of Object.entries(files)) {
      expect(text, path).not.toMatch(/__[A-Z]+(_[A-Z]+)*__|FirstFit|first-fit|AddressPlan/);
      if (path.endsWith('.yaml'))
        for (const document of parseAllDocuments(text)) expect(document.errors, path).toEqual([]);
    }
    expect(files['operator.ts']).toContain("base: { apiVersion: 'my.org/v1alpha1', kind: 'Policy' }");
    expect(files['operator.ts']).toContain("api: 'Tables@^2.1.0'");
    expect(parse(files['manifests/kind/crd.yaml'] ?? '')).toMatchObject({ metadata: { name: 'policies.my.org' } });
    expect(files['manifests/operator/deployment.yaml']).toContain('image: r.io/me/op:0.1.0');
    expect(files['manifests/operator/rights.yaml']).toContain('resources: [policies/status]');
    expect(JSON.parse(files['package.json'] ?? '')).toMatchObject({ name: 'table-operator' });
  });

  it('has no other language', async () => {
    const { code, stderr } = await initAny('operator', 'new', '--language', 'go');
    expect({ code, stderr }).toEqual({
      code: 2,
      stderr: 'kplug: operators are in TypeScript; --language is for plugins\n',
    });
    expect(await readdir(folder)).toEqual([]);
  });
});
