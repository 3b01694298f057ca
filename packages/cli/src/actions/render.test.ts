import { readdir, readFile } from 'node:fs/promises';
import { WrongV0Plugin } from '@kplug/conformance/testing';
import { freePort } from '@kplug/testing';
import { GreetingWorkspace, kplug, world } from '@kplug/testing/kplug';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { parseAllDocuments } from 'yaml';

let workspace: GreetingWorkspace;
let plugin: string;

beforeAll(async () => {
  workspace = await GreetingWorkspace.make();
  plugin = `127.0.0.1:${await freePort()}`;
  // No operator listens there.
  const running = workspace.startPlugin('127.0.0.1:1', { KPLUG_BIND_ADDRESS: plugin });
  await vi.waitFor(
    async () => {
      const { code } = await kplug(['render', workspace.path('manifests/world.yaml'), '--plugin', plugin]);
      expect(code, running.stderr).toBe(0);
    },
    { timeout: 30_000, interval: 50 },
  );
});

afterAll(() => workspace[Symbol.asyncDispose]());

const render = (...args: string[]) => kplug(['render', ...args], { cwd: workspace.folder });

interface Rendered {
  kind: string;
  metadata?: { name: string };
  status?: { conditions?: { type: string; status: string; reason: string }[]; [field: string]: unknown };
  [field: string]: unknown;
}

function documents(text: string): Rendered[] {
  return parseAllDocuments(text).map((document) => document.toJS() as Rendered);
}

describe('kplug render', () => {
  it('prints statuses, conditions and events of one pass, and writes nothing', async () => {
    const { code, stdout, stderr } = await render('manifests/world.yaml', '--plugin', plugin);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const [base, extension, ...events] = documents(stdout);
    expect(base).toMatchObject({
      apiVersion: 'example.org/v1',
      kind: 'Greeting',
      metadata: { name: 'world', namespace: 'default' },
      status: { implementation: 'Plain', file: 'world.txt', letters: 13, observedGeneration: 1 },
    });
    const conditions = base?.status?.conditions?.map(({ type, status, reason }) => `${type} ${status} ${reason}`);
    expect(conditions).toEqual([
      'ExtensionsResolved True Resolved',
      'PluginSelected True Fallback',
      'Ready True Ready',
      'Reconciled True Succeeded',
      'Written True FileWritten',
    ]);
    expect(extension).toMatchObject({ kind: 'GreetingStyle', status: { shouted: true, uses: ['HELLO, WORLD!'] } });
    const involvedObject = { kind: 'Greeting', name: 'world' };
    // Counted once: the plugin was called once.
    const greeted = { kind: 'Event', involvedObject, type: 'Normal', reason: 'Greeted', count: 1 };
    expect(events).toContainEqual(expect.objectContaining({ ...greeted, involvedObject: expect.anything() }));
    expect(events.every((event) => event.kind === 'Event')).toBe(true);

    expect(await readdir(workspace.manifests)).toEqual(['world.yaml']);
    expect(await readFile(workspace.path('manifests/world.yaml'), 'utf8')).toBe(world);
  });

  it('reads standard input and several files, and prints JSON', async () => {
    const [base = '', extension = ''] = world.split('---\n');
    await workspace.write('style.yaml', extension);
    const args = ['render', '-', 'style.yaml', '--plugin', plugin, '-o', 'json'];
    const { code, stdout } = await kplug(args, { cwd: workspace.folder, input: base });
    expect(code).toBe(0);
    expect(JSON.parse(stdout)[0]).toMatchObject({ kind: 'Greeting', status: { implementation: 'Plain' } });
  });

  it('follows a delegation file', async () => {
    const strict = `delegations:
  - name: greetings
    base: { apiVersion: example.org/v1, kind: Greeting }
    api: Greeting@^1.0.0
    selection: { fallback: none }
`;
    await workspace.write('strict.yaml', strict);
    const { code, stdout, stderr } = await render(
      'manifests/world.yaml',
      '--plugin',
      plugin,
      '--config',
      'strict.yaml',
    );
    expect(code).toBe(1);
    expect(documents(stdout)[0]?.status?.conditions).toContainEqual(
      expect.objectContaining({ type: 'PluginSelected', status: 'False', reason: 'PreferredUnavailable' }),
    );
    expect(stderr).toMatch(/^kplug: Greeting world is not ready: PreferredUnavailable: waiting for Fancy/);
  });

  it("calls a plugin of the first Kplug's protocol", async () => {
    const wrong = new WrongV0Plugin('nothing');
    onTestFinished(() => wrong.server.forceShutdown());
    const address = `127.0.0.1:${await wrong.listen()}`;
    const args = ['manifests/world.yaml', '--plugin', address, '--protocol', 'kplug'];
    const { code, stdout, stderr } = await render(...args, '--name', 'Fancy');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const [base, extension] = documents(stdout);
    expect(base).toMatchObject({ kind: 'Greeting', status: { implementation: 'Fancy', letters: 5 } });
    const reasons = base?.status?.conditions?.map(({ type, reason }) => `${type} ${reason}`);
    expect(reasons).toEqual(expect.arrayContaining(['PluginSelected Preferred', 'created.kplug.dev/Fancy Created']));
    expect(extension).toMatchObject({ kind: 'GreetingStyle', status: { used: true } });
    const declared = await render(...args, '--config', 'kplug.yaml');
    expect(declared).toMatchObject({ code: 0, stdout: expect.stringContaining('implementation: Plugin') });

    // The first Kplug's examples have their extensions in another field.
    await workspace.write('first.yaml', world.replace('extensions:', 'references:'));
    const first = await render(...args.with(0, 'first.yaml'), '--name', 'Fancy');
    expect(first.code).toBe(0);
    expect(first.stderr).toMatch(/^Reading the extensions of Greeting from \.spec\.references; an operator needs/);
    expect(documents(first.stdout)[1]).toMatchObject({ kind: 'GreetingStyle', status: { used: true } });

    const failing = new WrongV0Plugin('F3 create');
    onTestFinished(() => failing.server.forceShutdown());
    const failed = await render(...args.with(2, `127.0.0.1:${await failing.listen()}`));
    expect(failed).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('FAILED_PRECONDITION: deliberate failure'),
    });
    const nobody = await render(...args.with(2, '127.0.0.1:1'));
    expect(nobody).toMatchObject({ code: 4, stderr: expect.stringContaining('no plugin answers at 127.0.0.1:1') });
  });

  it('fails with the error of the plugin', async () => {
    await workspace.write('empty.yaml', world.replace('to: World', "to: ''"));
    const { code, stdout, stderr } = await render('empty.yaml', '--plugin', plugin);
    expect(code).toBe(1);
    expect(documents(stdout)[0]).toMatchObject({ kind: 'Greeting', metadata: { name: 'world' } });
    expect(stderr).toContain('NobodyGreeted: Plain 1.0.0: spec.to is empty');
  });

  it('needs --kind for an ambiguous base', async () => {
    const other = 'apiVersion: example.org/v1\nkind: Farewell\nmetadata: { name: bye }\nspec: { extensions: [] }\n';
    await workspace.write('two.yaml', `${world.replaceAll('kind: Greeting\n', 'kind: Salute\n')}---\n${other}`);
    const unclear = await render('two.yaml', '--plugin', plugin);
    expect(unclear).toMatchObject({ code: 2, stdout: '' });
    expect(unclear.stderr).toContain(
      'the delegated kind is ambiguous: any of example.org/v1/Salute, example.org/v1/Farewell; name it with --kind',
    );
    const named = await render('two.yaml', '--plugin', plugin, '--kind', 'salutes');
    expect(named.code).toBe(0);
    expect(documents(named.stdout)[0]).toMatchObject({ kind: 'Salute', status: { implementation: 'Plain' } });
    expect(await render('two.yaml', '--plugin', plugin, '--kind', 'Nothing')).toMatchObject({ code: 3 });
  });

  it.each([
    [
      'no plugin answers',
      ['manifests/world.yaml', '--plugin', '127.0.0.1:1'],
      4,
      /no plugin answers at 127\.0\.0\.1:1: connect ECONNREFUSED/,
    ],
    ['a file is missing', ['nowhere.yaml', '--plugin', 'x:1'], 2, /cannot read nowhere\.yaml: the file does not exist/],
    ['a file is a directory', ['manifests', '--plugin', 'x:1'], 2, /cannot read manifests: EISDIR/],
    ['a manifest is malformed', ['kplug.yaml', '--plugin', 'x:1'], 2, /kplug\.yaml:1:1: .*apiVersion is missing/],
    [
      'a resource is given twice',
      ['manifests/world.yaml', './manifests/world.yaml', '--plugin', 'x:1'],
      2,
      /Greeting\/default\/world is already in manifests\/world\.yaml:1/,
    ],
    [
      'no plugin is given',
      ['manifests/world.yaml'],
      2,
      /give either the address of a plugin with --plugin, or a command with --start/,
    ],
    [
      'both a kind and a delegation file are given',
      ['x', '--plugin', 'x:1', '--kind', 'x', '--config', 'x'],
      2,
      /cannot be used with option/,
    ],
  ])('fails when %s', async (_, args, code, message) => {
    const result = await render(...args);
    expect(result.stderr).toMatch(message);
    expect(result).toMatchObject({ code, stdout: '' });
  });

  it('fails when the delegation file requires another API or kind', async () => {
    await workspace.write('tables.yaml', 'delegations: [{ name: t, base: { apiVersion: a/v1, kind: T }, api: T }]');
    const kinds = await render('manifests/world.yaml', '--plugin', plugin, '--config', 'tables.yaml');
    expect(kinds).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('no manifest has a kind that tables.yaml delegates: a/v1/T'),
    });
    await workspace.write(
      'apis.yaml',
      'delegations: [{ name: t, base: { apiVersion: example.org/v1, kind: Greeting }, api: T }]',
    );
    const apis = await render('manifests/world.yaml', '--plugin', plugin, '--config', 'apis.yaml');
    expect(apis).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('implements Greeting@1.0.0; apis.yaml requires T'),
    });
  });
});
