import { fileURLToPath } from 'node:url';
import { GreetingWorkspace, kplug } from '@kplug/testing/kplug';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';

const program = fileURLToPath(new URL('../../../testing/src/plugins/sets.ts', import.meta.url));
const start = `exec '${process.execPath}' '${program}'`;

const table = (replicas: number) => `apiVersion: example.org/v1
kind: Table
metadata: { name: users }
spec: { replicas: ${replicas} }
`;

const config = `delegations:
  - name: tables
    base: { apiVersion: example.org/v1, kind: Table }
    api: Table
    dependents: { kinds: [{ apiVersion: apps/v1, kind: StatefulSet }, { apiVersion: v1, kind: Service }] }
`;

const set = (ready: number) => `apiVersion: v1
kind: List
items:
  - apiVersion: apps/v1
    kind: StatefulSet
    metadata: { name: users, generation: 3, uid: 5f0e, resourceVersion: "7" }
    spec: { replicas: 1 }
    status: { observedGeneration: 3, replicas: 1, readyReplicas: ${ready}, currentReplicas: 1, updatedReplicas: 1 }
`;

let workspace: GreetingWorkspace;

beforeAll(async () => {
  workspace = await GreetingWorkspace.make({
    'users.yaml': table(1),
    'more.yaml': table(2),
    'tables.yaml': config,
    'rolling.yaml': set(0),
    'ready.yaml': set(1),
  });
});

afterAll(() => workspace[Symbol.asyncDispose]());

const render = (file: string, ...args: string[]) =>
  kplug(['render', file, '--start', start, '--config', 'tables.yaml', ...args], { cwd: workspace.folder });

interface Rendered {
  kind: string;
  metadata: { name: string; labels?: object };
  status?: { dependentsReady: string; knownDependents: number; dependents: { kind: string; reason: string }[] };
  spec?: object;
}

/** Returns the status of the base, the states of its dependents, and those that exist after the pass. */
function read(stdout: string) {
  const documents = parseAllDocuments(stdout).map((document) => document.toJS() as Rendered);
  const { status } = documents.find(({ kind }) => kind === 'Table') ?? {};
  const states = status?.dependents.map(({ kind, reason }) => `${kind} ${reason}`);
  return { status, states, exist: documents.filter(({ kind }) => kind !== 'Table' && kind !== 'Event') };
}

describe('kplug render --observed', () => {
  it('shows the first pass without it, with the dependents that are applied', async () => {
    const { code, stdout, stderr } = await render('users.yaml');
    expect(code).toBe(1);
    expect(stderr).toContain('Table users is not ready: DependentsNotReady: StatefulSet default/users is not ready');
    const { states, exist, status } = read(stdout);
    expect(states).toEqual(['StatefulSet Progressing', 'Service Waiting']);
    expect(exist).toEqual([
      {
        apiVersion: 'apps/v1',
        kind: 'StatefulSet',
        metadata: { name: 'users', namespace: 'default' },
        spec: { replicas: 1 },
      },
    ]);
    expect(status?.knownDependents).toBe(0);
  });

  it('shows a later pass, in which a dependent exists and is ready or not', async () => {
    const rolling = await render('users.yaml', '--observed', 'rolling.yaml');
    expect(read(rolling.stdout).states).toEqual(['StatefulSet Progressing', 'Service Waiting']);
    const ready = await render('users.yaml', '--observed', 'ready.yaml');
    expect(ready).toMatchObject({ code: 0, stderr: '' });
    const { states, exist, status } = read(ready.stdout);
    expect(states).toEqual(['StatefulSet Ready', 'Service Ready']);
    // The plugin is called again with the Service that the pass creates.
    expect(status).toMatchObject({ knownDependents: 2, dependentsReady: '2/2' });
    expect(exist.map(({ kind, metadata }) => [kind, metadata.labels])).toEqual([
      ['StatefulSet', undefined],
      ['Service', { app: 'users' }],
    ]);
  });

  it('shows that a dependent which changes is not ready until its controller has seen the change', async () => {
    const { stdout } = await render('more.yaml', '--observed', 'ready.yaml');
    const { states, exist } = read(stdout);
    expect(exist).toMatchObject([{ kind: 'StatefulSet', spec: { replicas: 2 } }]);
    expect(states).toEqual(['StatefulSet Progressing', 'Service Waiting']);
  });

  it('removes a dependent that the status of the base lists and the plugin no longer requests', async () => {
    await workspace.write(
      'live.yaml',
      `${table(1)}status:
  dependents:
    - { apiVersion: v1, kind: Service, name: old, plugin: Sets, ready: true, reason: Ready, since: "2026-01-01T00:00:00Z" }
---
${set(1)}---
apiVersion: v1
kind: Service
metadata: { name: old }
`,
    );
    const { stdout, code } = await render('users.yaml', '--observed', 'live.yaml');
    expect(code).toBe(0);
    const { exist } = read(stdout);
    expect(exist.map(({ kind, metadata }) => `${kind}/${metadata.name}`)).toEqual([
      'StatefulSet/users',
      'Service/users',
    ]);
  });

  it('refuses a resource that belongs to no base', async () => {
    await workspace.write('stray.yaml', 'apiVersion: v1\nkind: Secret\nmetadata: { name: stray }\n');
    const { code, stderr } = await render('users.yaml', '--observed', 'stray.yaml');
    expect(code).toBe(2);
    expect(stderr).toContain(
      'the observed Secret default/stray is not among the manifests, and of no kind that the delegation permits',
    );
  });
});

describe('kplug render --expect', () => {
  it('compares the output, without times', async () => {
    const { stdout } = await render('users.yaml', '--observed', 'ready.yaml');
    await workspace.write(
      'expected.yaml',
      stdout.replaceAll(/"?\d{4}-\d\d-\d\dT[\d:.]+Z"?/g, '"2000-01-01T00:00:00Z"'),
    );
    const args = ['--observed', 'ready.yaml', '--expect', 'expected.yaml'];
    expect(await render('users.yaml', ...args)).toMatchObject({
      code: 0,
      stdout: '',
      stderr: 'The output is as expected.yaml has it.\n',
    });
    const json = await render('users.yaml', '--observed', 'ready.yaml', '-o', 'json');
    await workspace.write('expected.json', json.stdout);
    expect((await render('users.yaml', '--observed', 'ready.yaml', '--expect', 'expected.json')).code).toBe(0);

    const changed = await render('more.yaml', ...args);
    expect(changed).toMatchObject({ code: 1, stdout: '' });
    expect(changed.stderr).toContain('the output is not as expected.yaml has it: ');
    expect(changed.stderr).toContain('StatefulSet default/users .spec.replicas: 1 → 2');
    expect(changed.stderr).toContain('Service default/users is missing');
  });

  it.each([
    ['nowhere.yaml', undefined, 'cannot read nowhere.yaml: ENOENT'],
    ['broken.yaml', 'a: [', 'broken.yaml is not valid YAML: '],
  ])('fails for the file %s', async (file, text, message) => {
    if (text !== undefined) await workspace.write(file, text);
    const { code, stderr } = await render('users.yaml', '--expect', file);
    expect(code).toBe(2);
    expect(stderr).toContain(message);
  });
});

describe('kplug render --start', () => {
  it('fails with the output of a program that registers nothing', async () => {
    const args = ['render', 'users.yaml', '--start', 'echo no database; exit 3'];
    const { code, stderr } = await kplug(args, { cwd: workspace.folder });
    expect(code).toBe(4);
    expect(stderr).toBe('kplug: the plugin "echo no database; exit 3" ended with 3: no database\n');
  });
});
