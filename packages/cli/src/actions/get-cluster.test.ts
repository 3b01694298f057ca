import { mkdtempDisposable, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { definition, startTimeout, TestCluster } from '@kplug/testing/control-plane';
import { kplug } from '@kplug/testing/kplug';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';

let cluster: TestCluster;
let namespace: string;
let folder: Awaited<ReturnType<typeof mkdtempDisposable>>;

beforeAll(async () => {
  cluster = await TestCluster.connect();
  await cluster.define(definition({ group: 'cli.example.org', kind: 'Greeting' }));
  namespace = await cluster.namespace();
  const greeting = { apiVersion: 'cli.example.org/v1', kind: 'Greeting', metadata: { name: 'world', namespace } };
  await cluster.apply({ ...greeting, spec: { to: 'World' } });
  const ready = {
    type: 'Ready',
    status: 'True',
    reason: 'Ready',
    message: '',
    lastTransitionTime: '2026-01-01T00:00:00Z',
  };
  await cluster.edit(greeting, { status: { implementation: 'Plain', conditions: [ready] } }, 'status');
  folder = await mkdtempDisposable(join(tmpdir(), 'kplug-cli-'));
  await writeFile(join(folder.path, 'kubeconfig'), cluster.kubeConfig.exportConfig());
}, startTimeout);

afterAll(async () => {
  await cluster?.close();
  await folder?.remove();
});

const onCluster = (...args: string[]) => kplug([...args, '--kubeconfig', join(folder.path, 'kubeconfig')]);

describe('kplug get on a cluster', () => {
  it.each(['greetings', 'Greeting', 'greeting.cli.example.org'])(
    'prints the status of the resources of %s',
    async (kind) => {
      const { code, stdout } = await onCluster('get', kind, '-n', namespace);
      expect(code).toBe(0);
      expect(stdout).toMatch(/^NAME +READY +IMPLEMENTATION/);
      expect(stdout).toMatch(/^world +True +Plain/m);
    },
  );

  it('prints built-in kinds, and kinds that are not delegated, with the columns of kubectl', async () => {
    const metadata = { name: 'web', namespace };
    const ports = [{ port: 80 }];
    await cluster.apply({ apiVersion: 'v1', kind: 'Service', metadata, spec: { ports, selector: { app: 'web' } } });
    await cluster.apply({ apiVersion: 'v1', kind: 'ConfigMap', metadata, data: { a: '1', b: '2' } });
    const services = await onCluster('get', 'svc', '-n', namespace);
    expect(services.stdout).toMatch(
      /^NAME +TYPE +CLUSTER-IP +EXTERNAL-IP +PORT\(S\) +AGE\nweb +ClusterIP +[\d.]+ +<none> +80\/TCP +\d+s\n$/,
    );
    const wide = await onCluster('get', 'svc', '-n', namespace, '-o', 'wide');
    expect(wide.stdout).toMatch(/^NAMESPACE +NAME .* AGE +SELECTOR\n.* app=web\n$/s);
    const maps = await onCluster('get', 'configmaps', '-n', namespace);
    expect(maps.stdout).toMatch(/^NAME +DATA +AGE\n(.*\n)?web +2 +\d+s\n$/);
    const definitions = await onCluster('get', 'crd', 'greetings.cli.example.org');
    expect(definitions.stdout).toMatch(/^NAME +CREATED AT\ngreetings\.cli\.example\.org +20/);
  });

  it('needs only the right to list a kind in the namespace', async () => {
    await cluster.grant('developer', namespace, [
      { apiGroups: ['cli.example.org'], resources: ['greetings'], verbs: ['list'] },
    ]);
    const config = parse(cluster.kubeConfig.exportConfig()) as { users: { user: object }[] };
    for (const one of config.users) one.user = { ...one.user, as: 'developer' };
    const file = join(folder.path, 'developer');
    await writeFile(file, stringify(config));
    const own = await kplug(['get', 'greetings', '-n', namespace, '--kubeconfig', file]);
    expect(own).toMatchObject({ code: 0, stdout: expect.stringMatching(/^world +True +Plain/m), stderr: '' });
    const all = await kplug(['get', 'greetings', '-A', '--kubeconfig', file]);
    expect(all).toMatchObject({ code: 1, stderr: expect.stringContaining('greetings') });
  });

  it('prints a whole resource of a built-in kind by its short name', async () => {
    const { code, stdout } = await onCluster('get', 'ns', namespace, '-o', 'yaml');
    expect(code).toBe(0);
    expect(parse(stdout)).toMatchObject({ kind: 'Namespace', metadata: { name: namespace } });
  });

  it('reports unknown kinds, names and operators', async () => {
    const noName = await onCluster('get', 'greeting', 'moon', '-n', namespace);
    expect(noName).toMatchObject({
      code: 3,
      stderr: expect.stringContaining(`no Greeting named moon in the namespace ${namespace}`),
    });
    const noKind = await onCluster('get', 'nonsense');
    expect(noKind).toMatchObject({
      code: 3,
      stderr: expect.stringMatching(/has no kind nonsense; .*CustomResourceDefinition/),
    });
    const none = await onCluster('get', 'greetings', '-n', 'default');
    expect(none).toMatchObject({ code: 0, stderr: expect.stringContaining('in the namespace default') });
    const noOperator = await onCluster('plugins', '--operator-namespace', namespace);
    expect(noOperator).toMatchObject({
      code: 4,
      stderr: expect.stringContaining(`has no Kplug operator in the namespace ${namespace}`),
    });
  });

  it('reports a missing kubeconfig and an unreachable API server', async () => {
    const missing = await kplug(['get', 'greetings', '--kubeconfig', join(folder.path, 'nothing')]);
    expect(missing).toMatchObject({ code: 2, stderr: expect.stringContaining("nothing can't be read") });
    const away = join(folder.path, 'away');
    await writeFile(away, cluster.kubeConfig.exportConfig().replace(/https?:[^"\s]+/, 'https://127.0.0.1:1'));
    const silent = await kplug(['get', 'greetings', '--kubeconfig', away]);
    expect(silent).toMatchObject({ code: 1, stderr: expect.stringContaining('ECONNREFUSED') });
  });
});
