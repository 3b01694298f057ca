import { randomBytes } from 'node:crypto';
import { mkdtempDisposable, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DelegationDeclaration } from '@kplug/controller';
import type { RunningPlugin } from '@kplug/sdk';
import { KubernetesOperator, portOf, serveQuietly } from '@kplug/testing/cluster';
import { definition, ownDefinition, type StoredObject, startTimeout, TestCluster } from '@kplug/testing/control-plane';
import { kplug } from '@kplug/testing/kplug';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { parse, stringify } from 'yaml';

const group = 'operator.example.org';
const table = `table.${group}`;

const delegation: DelegationDeclaration = {
  name: 'tables',
  base: { apiVersion: `${group}/v1`, kind: 'Table' },
  api: 'Table',
  dependents: {
    kinds: [
      { apiVersion: 'v1', kind: 'ConfigMap' },
      { apiVersion: 'v1', kind: 'Service' },
      { apiVersion: 'v1', kind: 'Secret', allowPrivileged: true },
    ],
  },
};

let cluster: TestCluster;
let folder: Awaited<ReturnType<typeof mkdtempDisposable>>;

beforeAll(async () => {
  cluster = await TestCluster.connect();
  for (const kind of ['Table', 'PgOption']) await cluster.define(definition({ group, kind }));
  folder = await mkdtempDisposable(join(tmpdir(), 'kplug-cli-'));
  await writeFile(join(folder.path, 'kubeconfig'), cluster.kubeConfig.exportConfig());
  await writeFile(join(folder.path, 'kplug.yaml'), stringify({ delegations: [delegation] }));
}, startTimeout);

afterAll(async () => {
  await cluster?.close();
  await folder?.remove();
});

/** Content of the dependents of a plugin. */
interface Content {
  port?: number;
  color?: string;
  password?: string;
  withService?: boolean;
}

/** Returns a plugin with dependents, and without a Service unless it says so. */
function keeper({ port = 5432, color = 'red', password = 'first', withService = true }: Content = {}) {
  return {
    name: 'Keeper',
    reconcile: ({ base: { metadata } }: { base: { metadata: { name: string } } }) => {
      const { name } = metadata;
      const spec = { ports: [{ port }], selector: { app: name } };
      return {
        status: { color },
        dependents: [
          { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data: { color } },
          { apiVersion: 'v1', kind: 'Secret', metadata: { name }, stringData: { password, user: 'app' } },
          ...(withService ? [{ apiVersion: 'v1', kind: 'Service', metadata: { name }, spec }] : []),
        ],
      };
    },
  };
}

const config = () => ['--config', join(folder.path, 'kplug.yaml')];

/** Compares the cluster with a pass of a plugin. */
function diffBy(plugin: RunningPlugin, namespace: string, target = `${table}/users`, ...args: string[]) {
  const kubeconfig = join(folder.path, 'kubeconfig');
  const flags = ['--plugin', `127.0.0.1:${portOf(plugin)}`, '-n', namespace, '--kubeconfig', kubeconfig];
  return kplug(['render', target, '--diff', ...flags, ...args]);
}

/** Starts an operator with a table that a plugin has reconciled, and returns functions that compare it with another plugin. */
async function start(used = delegation) {
  const namespace = await cluster.namespace();
  const operator = await KubernetesOperator.start(cluster, namespace, { delegation: used });
  await operator.plugin(keeper());
  await cluster.apply(operator.object('Table', 'users'));
  await operator.expectReady('users', 'Keeper');
  const diff = async (content: Content, target?: string) =>
    diffBy(await serveQuietly(keeper(content)), namespace, target, ...config());
  const snapshot = async () => {
    const kinds = ['configmaps', 'secrets', 'services'].map((plural) => `/api/v1/namespaces/${namespace}/${plural}`);
    const paths = [`/apis/${group}/v1/namespaces/${namespace}/tables`, ...kinds];
    const lists = await Promise.all(paths.map((path) => cluster.request<{ items: StoredObject[] }>('GET', path)));
    return lists.map(({ items }) => items.map(({ metadata: { uid, resourceVersion } }) => ({ uid, resourceVersion })));
  };
  return { namespace, operator, diff, snapshot };
}

/** Returns the changed lines of a diff. */
function changes(stdout: string): string[] {
  return stdout
    .split('\n')
    .filter((line) => /^[-+](?![-+])/.test(line))
    .map((line) => line.replace(/ +/g, ' '));
}

describe('kplug render --diff', () => {
  it('prints nothing and exits with 0 when the plugin would change nothing, defaults of the API server included', async () => {
    const { diff, snapshot } = await start();
    const before = await snapshot();
    expect(await diff({})).toEqual({ code: 0, stdout: '', stderr: '' });
    expect(await snapshot()).toEqual(before);
  });

  it('prints what changes in status and dependents, exits with 1, and writes nothing', async () => {
    const { namespace, diff, snapshot } = await start();
    const before = await snapshot();
    const { code, stdout, stderr } = await diff({ color: 'blue', port: 5433 });
    expect(code).toBe(1);
    expect(stderr).toContain('the pass would change 3 resources');
    expect(stdout).toContain(`--- live/v1.ConfigMap.${namespace}.users`);
    expect(stdout).toContain(`+++ pass/v1.ConfigMap.${namespace}.users`);
    expect(changes(stdout)).toEqual(
      expect.arrayContaining(['- color: red', '+ color: blue', '- - port: 5432', '+ - port: 5433']),
    );
    expect(stdout).not.toMatch(/managedFields|resourceVersion/);
    expect(await snapshot()).toEqual(before);
  });

  it('brings what the plugin requires in other namespaces, and waits for what it observes', async () => {
    const configMap = { apiVersion: 'v1', kind: 'ConfigMap' };
    const plans = await cluster.namespace();
    const requirements = { kinds: [{ ...configMap, namespaces: [plans] }] };
    const { namespace } = await start();
    const file = join(folder.path, `${plans}.yaml`);
    await writeFile(file, stringify({ delegations: [{ ...delegation, requirements }] }));
    await cluster.apply({ ...configMap, metadata: { name: 'gold', namespace: plans }, data: { color: 'golden' } });
    const plugin = await serveQuietly({
      name: 'Keeper',
      reconcile: ({ required }) => ({
        require: { plan: { ...configMap, name: 'gold', namespace: plans } },
        status: { color: required.get<{ data: { color: string } }>('plan')?.data.color ?? 'none' },
        dependents: [{ manifest: { ...configMap, metadata: { name: 'theirs' } }, policy: 'Observe' }],
      }),
    });
    const { code, stdout } = await diffBy(plugin, namespace, `${table}/users`, '--config', file);
    expect(code).toBe(1);
    expect(changes(stdout)).toEqual(expect.arrayContaining(['- color: red', '+ color: golden']));
    expect(stdout).toContain(`ConfigMap ${namespace}/theirs is not ready: it does not exist`);
  });

  it('shows dependents that are deleted, and masks the values of Secrets', async () => {
    const { namespace, diff, snapshot } = await start();
    const before = await snapshot();
    const { code, stdout } = await diff({ withService: false, password: 'second' });
    expect(code).toBe(1);
    expect(stdout).toContain(`--- live/v1.Service.${namespace}.users\n+++ /dev/null`);
    expect(stdout).toMatch(/-\s+password: '?"?\*\*\* \(before\)/);
    expect(stdout).toMatch(/\+\s+password: '?"?\*\*\* \(after\)/);
    expect(stdout).toMatch(/ {2}user: '?"?\*\*\*['"]?$/m);
    for (const secret of ['first', 'second']) {
      expect(stdout).not.toContain(Buffer.from(secret).toString('base64'));
      expect(stdout).not.toMatch(new RegExp(`: ${secret}$`, 'm'));
    }
    expect(await snapshot()).toEqual(before);
  });

  it('shows the first pass over a resource, with the statuses of its extensions, dependents and finalizer', async () => {
    const namespace = await cluster.namespace();
    const objectOf = (kind: string, name: string, spec: object = {}) => ({
      apiVersion: `${group}/v1`,
      kind,
      metadata: { name, namespace },
      spec,
    });
    await cluster.apply(objectOf('PgOption', 'fast'));
    const extensions = [{ apiVersion: `${group}/v1`, kind: 'PgOption', name: 'fast' }];
    await cluster.apply(objectOf('Table', 'users', { extensions }));
    const plugin = await serveQuietly({
      name: 'Keeper',
      api: { name: 'Table', version: '1.0.0', extensionKinds: ['PgOption'] },
      reconcile: (call) => ({
        ...keeper().reconcile(call),
        extensions: call.extensions.all('PgOption').map((extension) => ({ extension, status: { used: true } })),
      }),
    });
    const { code, stdout } = await diffBy(plugin, namespace, undefined, ...config());
    expect(code).toBe(1);
    for (const kind of ['ConfigMap', 'Secret', 'Service']) {
      expect(stdout).toContain(`--- /dev/null\n+++ pass/v1.${kind}.${namespace}.users`);
    }
    expect(changes(stdout)).toEqual(
      expect.arrayContaining(['+ used: true', '+ color: red', '+ - kplug.dev/tables', '+ dependentsReady: 3/3']),
    );
    expect(
      await cluster.get({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'users', namespace } }),
    ).toBeUndefined();
    expect((await cluster.get(objectOf('Table', 'users')))?.metadata.finalizers).toBeUndefined();
  });

  it('fails when the user lacks a right, instead of showing that failure as that of the operator', async () => {
    const { namespace } = await start();
    const user = `reader-${randomBytes(4).toString('hex')}`;
    const read = { verbs: ['get', 'list'] };
    await cluster.grant(user, namespace, [
      { apiGroups: [group], resources: ['tables'], ...read },
      { apiGroups: [''], resources: ['configmaps', 'secrets', 'services'], ...read },
    ]);
    const file = join(folder.path, 'reader');
    const kubeconfig = parse(cluster.kubeConfig.exportConfig()) as { users: { user: { as?: string } }[] };
    for (const one of kubeconfig.users) one.user.as = user;
    await writeFile(file, stringify(kubeconfig));
    const plugin = await serveQuietly(keeper({ color: 'blue' }));
    const flags = ['--plugin', `127.0.0.1:${portOf(plugin)}`, '-n', namespace, '--kubeconfig', file, ...config()];
    expect(await kplug(['render', `${table}/users`, '--diff', ...flags])).toMatchObject({
      code: 6,
      stdout: '',
      stderr: expect.stringMatching(/the differences cannot be determined: .*cannot patch resource/),
    });
  });

  it('applies a file first, as kubectl would', async () => {
    const { namespace, operator, snapshot } = await start();
    const before = await snapshot();
    const file = join(folder.path, 'users.yaml');
    await writeFile(file, stringify({ ...operator.object('Table', 'users'), spec: { rows: 7 } }));
    const plugin = await serveQuietly({
      name: 'Keeper',
      reconcile: ({ base }) => ({
        ...keeper().reconcile({ base }),
        status: { color: 'red', rows: (base.spec as { rows?: number }).rows ?? 0 },
      }),
    });
    const { code, stdout } = await diffBy(plugin, namespace, file, ...config());
    expect(code).toBe(1);
    expect(changes(stdout).filter((line) => line === '+ rows: 7')).toHaveLength(2);
    expect(stdout).not.toContain('ConfigMap.');
    expect(await snapshot()).toEqual(before);
  });

  it('finds the delegation by a Delegation of the cluster', async () => {
    await cluster.define(await ownDefinition('delegation'));
    const name = `tables-${randomBytes(4).toString('hex')}`;
    const { name: _, ...spec } = delegation;
    const labels = { 'kplug.dev/operator': 'nobody' };
    const declared = {
      apiVersion: 'delegations.kplug.dev/v1alpha1',
      kind: 'Delegation',
      metadata: { name, labels },
      spec,
    };
    await cluster.apply(declared);
    onTestFinished(() => cluster.delete(declared));
    const { namespace } = await start({ ...delegation, name });
    expect(await diffBy(await serveQuietly(keeper()), namespace)).toEqual({ code: 0, stdout: '', stderr: '' });
    expect(await diffBy(await serveQuietly(keeper({ color: 'blue' })), namespace)).toMatchObject({ code: 1 });
  });

  it('derives the delegation otherwise, and takes its name from the finalizer of the base', async () => {
    const namespace = await cluster.namespace();
    const operator = await KubernetesOperator.start(cluster, namespace, { delegation: { name: 'lists' } });
    const plugin = { name: 'Plain', reconcile: () => ({ status: { color: 'red', size: 3 } }) };
    await operator.plugin(plugin);
    await cluster.apply(operator.object('Table', 'users'));
    await operator.expectReady('users', 'Plain');
    expect(await diffBy(await serveQuietly(plugin), namespace)).toEqual({ code: 0, stdout: '', stderr: '' });
    const smaller = await serveQuietly({ ...plugin, reconcile: () => ({ status: { color: 'red' } }) });
    const { code, stdout } = await diffBy(smaller, namespace);
    expect(code).toBe(1);
    expect(changes(stdout)).toEqual(['- size: 3']);
  });

  it('exits with more than 1 when it cannot compare', async () => {
    const { namespace, diff } = await start();
    expect(await diff({}, `${table}/nobody`)).toMatchObject({
      code: 3,
      stderr: expect.stringContaining(`no Table named nobody in the namespace ${namespace}`),
    });
    const kubeconfig = join(folder.path, 'kubeconfig');
    const dead = await kplug(['render', `${table}/users`, '--start', 'exit 3', '--diff', '--kubeconfig', kubeconfig]);
    expect(dead.code).toBeGreaterThan(1);
    const plugin = await serveQuietly(keeper());
    const unused = await kplug(['render', 'users.yaml', '--plugin', `127.0.0.1:${portOf(plugin)}`, '-n', namespace]);
    expect(unused).toMatchObject({ code: 2, stderr: expect.stringContaining('only with --diff') });
  });
});
