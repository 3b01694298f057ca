import { retry, terminal } from '@kplug/sdk';
import { reference, TestOperator } from '@kplug/testing';
import { kplug, startKplug } from '@kplug/testing/kplug';
import { beforeEach, describe, expect, it, vi } from 'vitest';

const waiting = { timeout: 20_000, interval: 20 };
const statefulSet = { apiVersion: 'apps/v1', kind: 'StatefulSet' };
const service = { apiVersion: 'v1', kind: 'Service' };
const tableKind = { apiVersion: 'myorg.org/v1alpha1', kind: 'Table' };
const style = { apiVersion: 'myorg.org/v1alpha1', kind: 'Style' };

let operator: TestOperator;

beforeEach(async () => {
  operator = await TestOperator.start(
    {
      dependents: { kinds: [statefulSet, service] },
      requirements: { kinds: [style] },
      backOff: { initial: 10, max: 10 },
    },
    { adminAddress: '127.0.0.1:0' },
  );
});

/** Starts a plugin that waits for tables that are extensions, and makes a StatefulSet and a Service for each table. */
async function startPlugin() {
  await operator.plugin({
    name: 'Sets',
    reconcile: ({ base: { metadata, spec }, extensions }) => {
      const { fails } = spec as { fails?: string };
      if (fails) throw retry(fails);
      const waitsFor = extensions.get('Table');
      if (waitsFor) throw retry(`waiting for Table ${waitsFor.metadata.name}`);
      return {
        dependents: [
          { ...statefulSet, metadata: { name: metadata.name }, spec: { replicas: 1 } },
          { ...service, metadata: { name: metadata.name }, spec: {} },
        ],
      };
    },
  });
}

/** Sets the status of a StatefulSet, as its controller does. */
async function run(name: string) {
  const key = `apps/v1/StatefulSet/default/${name}`;
  const uid = await vi.waitFor(() => {
    const found = operator.resources.get(key)?.metadata.uid;
    expect(found).toBeDefined();
    return found ?? '';
  }, waiting);
  const status = { replicas: 1, readyReplicas: 1, currentReplicas: 1 };
  await operator.resources.applyStatus(key, status, { uid, fieldManager: 'controller' });
}

const argsOf = (...args: string[]) => ['trace', ...args, '--admin', operator.controller.adminAddress];
const trace = (...args: string[]) => kplug(argsOf(...args));

/** Returns the first line, those about what to do next, and the cells of each row of the tree. */
function read(stdout: string) {
  const [cause, ...lines] = stdout.trimEnd().split('\n');
  const end = lines.indexOf('');
  const rows = lines.slice(end + 2);
  return { cause, advice: lines.slice(0, end), rows: rows.map((row) => row.split(/(?<=\S) {3,}/).slice(0, 3)) };
}

describe('kplug trace', () => {
  it('names the dependent that is not ready, and no other once it is', async () => {
    await startPlugin();
    operator.table('users');
    await operator.expectCondition('users', 'Ready', { reason: 'DependentsNotReady' });
    const { code, stdout, stderr } = await trace('table/users');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const { cause, advice, rows } = read(stdout);
    expect(cause).toMatch(/^Root cause: StatefulSet default\/users: Progressing: 0 of 1 pods created$/);
    expect(advice).toEqual(['→ Look at it: "kubectl describe statefulset.apps users -n default".']);
    expect(rows).toEqual([
      ['Table default/users', 'False', 'DependentsNotReady'],
      ['├─ Plugin Sets 1.0.0', 'True', 'Chosen'],
      ['├─ StatefulSet default/users', 'False', 'Progressing'],
      ['└─ Service default/users', 'False', 'Waiting'],
    ]);
    const { stdout: explained } = await kplug(['explain', 'table/users', '--admin', operator.controller.adminAddress]);
    expect(explained).toMatch(
      /^The dependent StatefulSet default\/users isn't ready: 0 of 1 pods created\.\n→ Look at it: /,
    );
    expect(explained).toMatch(
      /Dependents\n +DEPENDENT .*\n {2}StatefulSet default\/users +False +Progressing +\d+s +0 of 1/,
    );
    await run('users');
    await operator.expectReady('users');
    const then = read((await trace('table/users')).stdout);
    expect([then.cause, ...then.advice]).toEqual(['Table default/users is ready']);
    expect(then.rows.map(([, ready]) => ready)).toEqual(['True', 'True', 'True', 'True']);
  });

  it('prints JSON, YAML and a graph', async () => {
    await startPlugin();
    operator.table('users');
    await operator.expectCondition('users', 'Ready', { reason: 'DependentsNotReady' });
    const { rootCause, resource } = JSON.parse((await trace('table/users', '-o', 'json')).stdout);
    expect(rootCause).toMatchObject({ name: 'StatefulSet default/users', reason: 'Progressing' });
    expect(resource).toMatchObject({
      relation: 'base',
      children: [
        { relation: 'plugin' },
        { relation: 'dependent', since: expect.stringMatching(/^\d{4}-.*Z$/) },
        { relation: 'dependent', message: expect.stringContaining('StatefulSet') },
      ],
    });
    expect((await trace('table/users', '-o', 'yaml')).stdout).toMatch(
      /^rootCause:\n {2}name: StatefulSet default\/users/,
    );
    const { stdout } = await trace('table/users', '-o', 'dot');
    expect(stdout).toMatch(/^digraph trace \{/);
    expect(stdout).toContain('n0 -> n2 [label="dependent"];');
    expect(stdout.match(/penwidth=3/g)).toHaveLength(1);
  });

  it('names the resource itself when no plugin is registered', async () => {
    operator.table('users');
    await operator.expectCondition('users', 'Ready', { reason: 'NoPlugin' });
    expect(read((await trace('table/users')).stdout).cause).toMatch(
      /^Root cause: Table default\/users: NoPlugin: waiting/,
    );
  });

  it('names the resource itself when its plugin fails, although an extension is not ready for another reason', async () => {
    await startPlugin();
    operator.table('other', { fails: 'no disk' });
    operator.table('users', { fails: 'no network', extensions: [reference('Table', 'other')] });
    await operator.expectCondition('users', 'Reconciled', { status: 'False' });
    expect(read((await trace('table/users')).stdout).cause).toMatch(/^Root cause: Table default\/users: .*no network/);
  });

  it("shows what the plugin requires, found or missing, and blames the resource, whose message is the plugin's", async () => {
    await operator.plugin({
      name: 'Requiring',
      reconcile: ({ required }) => {
        if (required.has('key')) throw terminal('the Style bold is missing', { reason: 'StyleMissing' });
        return { require: { key: { ...style, name: 'bold' }, peer: { ...style, name: 'thin' } } };
      },
    });
    operator.extension('Style', 'thin');
    operator.table('users');
    await operator.expectCondition('users', 'Ready', { reason: 'StyleMissing' });
    const { cause, rows } = read((await trace('table/users')).stdout);
    expect(cause).toMatch(/^Root cause: Table default\/users: StyleMissing: /);
    expect(rows.map(([name, ready]) => [name, ready])).toEqual([
      ['Table default/users', 'False'],
      ['├─ Plugin Requiring 1.0.0', 'True'],
      ['├─ Style default/bold (myorg.org/v1alpha1)', 'False'],
      ['└─ Style default/thin', 'True'],
    ]);
  });

  it('names a missing extension', async () => {
    await operator.plugin({ name: 'Picky', api: { name: 'Table', version: '1.0.0', extensionKinds: ['Style'] } });
    operator.table('users', { extensions: [reference('Style', 'bold')] });
    await operator.expectCondition('users', 'Ready', { reason: 'ExtensionNotFound' });
    const { cause, rows } = read((await trace('table/users')).stdout);
    expect(cause).toMatch(/^Root cause: Style default\/bold: ExtensionNotFound: .*doesn't exist; create it/);
    expect(rows.at(-1)).toEqual(['└─ Style default/bold', 'False', 'ExtensionNotFound']);
  });

  it('follows extensions that are delegated too, and those that refer to each other', async () => {
    await startPlugin();
    operator.table('store', { fails: 'no disk', extensions: [reference('Table', 'shop')] });
    operator.table('shop', { extensions: [reference('Table', 'store')] });
    const message = expect.stringContaining('waiting for Table store');
    await operator.expectCondition('shop', 'Ready', { status: 'False', message });
    const { cause, rows } = read((await trace('table/shop')).stdout);
    expect(cause).toMatch(/^Root cause: Table default\/store: .*no disk/);
    expect(rows.map(([name]) => name)).toEqual([
      'Table default/shop',
      '├─ Plugin Sets 1.0.0',
      '└─ Table default/store',
      '   ├─ Plugin Sets 1.0.0',
      '   └─ Table default/shop',
    ]);
  });

  it('prints the tree again when it changes, until it is interrupted', async () => {
    operator.table('users');
    await operator.expectCondition('users', 'Ready', { reason: 'NoPlugin' });
    await using watch = startKplug(argsOf('table/users', '-w'));
    await using json = startKplug(argsOf('table/users', '-w', '-o', 'json'));
    await vi.waitFor(() => expect(watch.stdout).toMatch(/^\d\d:\d\d:\d\d\nRoot cause: .*NoPlugin/), waiting);
    await vi.waitFor(() => expect(json.stdout).toContain('NoPlugin'), waiting);
    await startPlugin();
    await run('users');
    await vi.waitFor(() => expect(watch.stdout).toContain('\nTable default/users is ready\n'), waiting);
    watch.kill('SIGINT');
    expect(await watch.ended()).toMatchObject({ code: 0, stderr: '' });
    await vi.waitFor(() => expect(json.stdout).toContain('"rootCause":null'), waiting);
    json.kill('SIGTERM');
    expect((await json.ended()).code).toBe(0);
    for (const line of json.stdout.trim().split('\n')) expect(JSON.parse(line)).toHaveProperty('resource.children');
  });

  it('says what may be out of date', async () => {
    await startPlugin();
    operator.table('users');
    await run('users');
    await operator.expectReady('users');
    const annotations = { 'kplug.dev/paused': 'true' };
    operator.resources.apply({ ...tableKind, metadata: { name: 'users', annotations }, spec: { size: 2 } });
    await operator.expectCondition('users', 'Paused', { status: 'True' });
    const { cause, advice } = read((await trace('table/users')).stdout);
    expect(cause).toBe('Table default/users is paused by its annotation kplug.dev/paused.');
    expect(advice).toEqual([
      '→ Resume it: "kplug resume Table/users -n default".',
      'stale: The status is about generation 1; the resource is in generation 2, as the resource is paused.',
    ]);
  });

  it.each([
    [['table/nobody'], 3, 'kplug: no delegated table is named nobody in the namespace default\n'],
    [['users'], 2, 'kplug: "users" has no name; write KIND/NAME, such as DatabaseTable/users\n'],
  ])('fails for %j', async (args, code, stderr) => {
    expect(await trace(...args)).toEqual({ code, stdout: '', stderr });
  });
});
