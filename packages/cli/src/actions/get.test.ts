import { rm } from 'node:fs/promises';
import { GreetingWorkspace, kplug, world } from '@kplug/testing/kplug';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';

const moon = `apiVersion: example.org/v1
kind: Greeting
metadata: { name: moon, namespace: sky }
spec: { to: Moon }
---
apiVersion: other.org/v1
kind: Thing
metadata: { name: first }
---
apiVersion: example.org/v1
kind: Thing
metadata: { name: second }
`;

const values = `apiVersion: example.org/v1
kind: Value
metadata: { name: words }
spec: { serverName: "yes", isReady: yes, mode: 0o17, code: "0123", size: 9223372036854775807 }
`;

let workspace: GreetingWorkspace;

beforeAll(async () => {
  workspace = await GreetingWorkspace.make({
    'manifests/world.yaml': world,
    'manifests/moon.yaml': moon,
    'manifests/values.yaml': values,
  });
  const operator = await workspace.startOperator();
  workspace.startPlugin(operator.at.heartbeatAddress);
  await workspace.greeting('world', 'HELLO, WORLD!');
  await workspace.greeting('moon', 'Hello, Moon!');
  // No operator runs from here on. The statuses that it wrote stay in the directory.
  operator.kill('SIGTERM');
  await operator.ended();
});

afterAll(() => workspace[Symbol.asyncDispose]());

const get = (...args: string[]) => kplug(['get', ...args, '--manifests', workspace.manifests]);

/** Returns the cells of each line. */
function cells(table: string): string[][] {
  return table
    .trimEnd()
    .split('\n')
    .map((line) => line.split(/ {3,}/));
}

describe('kplug get prints', () => {
  it('delegated resources in a table', async () => {
    const { code, stdout, stderr } = await get('greetings');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(cells(stdout)).toEqual([
      ['NAME', 'READY', 'IMPLEMENTATION', 'REASON', 'GENERATION', 'AGE'],
      ['world', 'True', 'Plain', 'Fallback', '1', expect.stringMatching(/^\d+[smh]$/)],
    ]);
  });

  it('more columns in a wide table, and resources of all namespaces', async () => {
    const { stdout } = await get('GREETING', '-A', '-o', 'wide');
    expect(cells(stdout)).toEqual([
      ['NAMESPACE', 'NAME', 'READY', 'IMPLEMENTATION', 'VERSION', 'REASON', 'GENERATION', 'OBSERVED', 'AGE', 'MESSAGE'],
      ['default', 'world', 'True', 'Plain', '1.0.0', 'Fallback', '1', '1', expect.anything(), expect.anything()],
      ['sky', 'moon', 'True', 'Plain', '1.0.0', 'NoPreference', '1', '1', expect.anything(), expect.anything()],
    ]);
    expect(stdout).toContain('Plain 1.0.0 reconciled generation 1');
  });

  it('name and age of other resources, and their status when wide', async () => {
    expect(cells((await get('greetingstyles')).stdout)[0]).toEqual(['NAME', 'AGE']);
    const [header, row] = cells((await get('greetingstyle', 'loud', '-o', 'wide')).stdout);
    expect(header).toEqual(['NAMESPACE', 'NAME', 'AGE', 'STATUS']);
    expect(row).toEqual(['default', 'loud', expect.anything(), 'shouted=true uses=[1]']);
  });

  it('values as the plugin receives them, so that kubectl reads them back', async () => {
    const yaml = (await get('value/words', '-o', 'yaml')).stdout;
    expect(yaml).toContain(
      '  serverName: "yes"\n  isReady: true\n  mode: 15\n  code: "0123"\n  size: 9223372036854775807\n',
    );
    const json = (await get('value/words', '-o', 'json')).stdout;
    expect(json).toContain('"serverName": "yes"');
    expect(json).toContain('"size": 9223372036854775807');
  });

  it('a whole resource as YAML and JSON', async () => {
    const yaml = parse((await get('greeting', 'world', '-o', 'yaml')).stdout);
    const json = JSON.parse((await get('greeting/world', '-o', 'json')).stdout);
    expect(yaml).toEqual(json);
    expect(json).toMatchObject({
      kind: 'Greeting',
      metadata: { name: 'world', namespace: 'default', generation: 1 },
      status: { implementation: 'Plain', file: 'world.txt', letters: 13 },
    });
  });

  it('several resources as a List', async () => {
    const list = parse((await get('greetings', '-A', '-o', 'yaml')).stdout);
    expect(list).toMatchObject({ apiVersion: 'v1', kind: 'List' });
    expect(list.items.map(({ metadata }: { metadata: { name: string } }) => metadata.name)).toEqual(['world', 'moon']);
  });

  it('resources of another namespace', async () => {
    expect(cells((await get('greetings', '-n', 'sky')).stdout)[1]?.[0]).toBe('moon');
    const { code, stdout, stderr } = await get('greetings', '-n', 'sea');
    expect({ code, stdout }).toEqual({ code: 0, stdout: '' });
    expect(stderr).toBe('No greetings in the namespace sea; 2 in other namespaces: add -A.\n');
  });

  it('problems of the directory on standard error, with file and line', async () => {
    const broken = await GreetingWorkspace.make({
      'manifests/world.yaml': world,
      'manifests/broken.yaml': 'apiVersion: example.org/v1\nkind: Greeting\nmetadata: {}\n',
    });
    const { code, stdout, stderr } = await kplug(['get', 'greetings', '--manifests', broken.manifests]);
    await broken[Symbol.asyncDispose]();
    expect(code).toBe(0);
    expect(cells(stdout)).toEqual([
      ['NAME', 'AGE'],
      ['world', expect.anything()],
    ]);
    expect(stderr).toMatch(/^warning: .*broken\.yaml:3:1: .*name is missing/);
  });
});

describe('kplug get without a directory reads', () => {
  it('that of kplug.yaml', async () => {
    await using other = await GreetingWorkspace.make({
      'node_modules/any/moon.yaml': moon,
      'mine/world.yaml': world,
      'kplug.yaml': 'manifests: mine\n',
    });
    const { code, stdout } = await kplug(['get', 'greetings', '-A'], { cwd: other.path('.') });
    expect(code).toBe(0);
    expect(cells(stdout).slice(1)).toEqual([['default', 'world', expect.anything()]]);
  });

  it('the current one, if it is that of an operator', async () => {
    await using other = await GreetingWorkspace.make({ 'manifests/world.yaml': world });
    await other.startOperator();
    const { code, stdout } = await kplug(['get', 'greetings'], { cwd: other.manifests });
    expect(code).toBe(0);
    expect(cells(stdout)[1]?.[0]).toBe('world');
  });
});

describe('kplug get fails', () => {
  it.each([
    ['for an unknown kind', ['tables'], 3, /^kplug: no resource of kind tables in .*; it has Greeting, /],
    ['for an unknown name', ['greeting', 'mars'], 3, /no greeting named mars in the namespace default of /],
    ['for a name in another namespace', ['greeting', 'moon'], 3, /; there is one in the namespace sky: add -n$/m],
    ['for a kind of two groups', ['things'], 2, /things is ambiguous: thing\.example\.org, thing\.other\.org/],
    ['for a name given twice', ['greeting/world', 'world'], 2, /the name is given twice/],
    ['without a kind', [], 2, /missing required argument 'kind'/],
    ['for an unknown format', ['greetings', '-o', 'xml'], 2, /Allowed choices are table, wide, yaml, json/],
  ])('%s', async (_, args, code, message) => {
    const result = await get(...args);
    expect(result.stderr).toMatch(message);
    expect(result).toMatchObject({ code, stdout: '' });
  });

  it('accepts the API group of an ambiguous kind', async () => {
    expect(cells((await get('things.other.org')).stdout)[1]?.[0]).toBe('first');
  });

  it('without a manifest directory, instead of reading the YAML files below the current one', async () => {
    await using other = await GreetingWorkspace.make({ 'node_modules/any/world.yaml': world });
    await rm(other.path('kplug.yaml'), { force: true });
    const { code, stdout, stderr } = await kplug(['get', 'greetings'], { cwd: other.path('.') });
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(
      /^kplug: no manifest directory: give one with --manifests, or name it as manifests: in kplug/,
    );
  });

  it('when the directory does not exist', async () => {
    const { code, stderr } = await kplug(['get', 'greetings'], { env: { KPLUG_MANIFESTS: workspace.path('nowhere') } });
    expect(code).toBe(2);
    expect(stderr).toContain("nowhere doesn't exist");
  });
});
