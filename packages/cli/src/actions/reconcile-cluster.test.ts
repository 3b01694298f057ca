import { mkdtempDisposable, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { KubernetesOperator } from '@kplug/testing/cluster';
import { definition, startTimeout, TestCluster } from '@kplug/testing/control-plane';
import { kplug } from '@kplug/testing/kplug';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

let cluster: TestCluster;
let folder: Awaited<ReturnType<typeof mkdtempDisposable>>;

beforeAll(async () => {
  cluster = await TestCluster.connect();
  await cluster.define(definition({ group: 'operator.example.org', kind: 'Table' }));
  folder = await mkdtempDisposable(join(tmpdir(), 'kplug-cli-'));
  await writeFile(join(folder.path, 'kubeconfig'), cluster.kubeConfig.exportConfig());
}, startTimeout);

afterAll(async () => {
  await cluster?.close();
  await folder?.remove();
});

const kind = 'table.operator.example.org';

async function start() {
  const namespace = await cluster.namespace();
  const operator = await KubernetesOperator.start(cluster, namespace);
  const plugin = { calls: 0, isMended: true };
  await operator.plugin({
    name: 'Keeper',
    reconcile: () => {
      plugin.calls += 1;
      if (!plugin.isMended) throw new Error('the database is down');
    },
  });
  const table = operator.object('Table', 'users');
  await cluster.apply(table);
  await operator.expectReady('users', 'Keeper');
  const onCluster = (...args: string[]) =>
    kplug([...args, '-n', namespace, '--kubeconfig', join(folder.path, 'kubeconfig')]);
  return { namespace, operator, plugin, table, onCluster };
}

describe('kplug reconcile', () => {
  it('has a resource reconciled, and prints the outcome as the exit code says', async () => {
    const { namespace, plugin, onCluster } = await start();
    const ready = await onCluster('reconcile', `${kind}/users`, '--wait');
    expect(ready).toMatchObject({ code: 0, stderr: '' });
    expect(ready.stdout).toMatch(/^NAME +READY +IMPLEMENTATION.*\nusers +True +Keeper/);
    expect(plugin.calls).toBe(2);

    plugin.isMended = false;
    const failed = await onCluster('reconcile', `${kind}/users`, '--wait');
    expect(failed).toMatchObject({
      code: 1,
      stderr: expect.stringContaining(`Table ${namespace}/users is not ready: PluginError: `),
    });
    expect(failed.stdout).toMatch(/^users +False/m);

    plugin.isMended = true;
    expect(await onCluster('reconcile', `${kind}/users`)).toMatchObject({
      code: 0,
      stdout: `Table ${namespace}/users: reconciliation requested\n`,
    });
  });

  it('reports a missing resource, a wrong duration, and an operator that does not answer', async () => {
    const { namespace, operator, onCluster } = await start();
    expect(await onCluster('reconcile', `${kind}/nobody`)).toMatchObject({
      code: 3,
      stderr: expect.stringContaining(`Table ${namespace}/nobody does not exist`),
    });
    expect(await onCluster('reconcile', kind)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('has no name'),
    });
    expect(await onCluster('reconcile', `${kind}/users`, '--timeout', 'soon')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('--timeout "soon" is not a duration'),
    });
    await operator.controller.stop();
    expect(await onCluster('reconcile', `${kind}/users`, '--wait', '--timeout', '1s')).toMatchObject({
      code: 4,
      stderr: expect.stringMatching(
        /no operator reconciled Table .*\/users within 1s; see "kplug explain Table\/users/,
      ),
    });
  });

  it('reports a user who may not annotate the resource', async () => {
    const { namespace, table } = await start();
    await cluster.grant('reader', namespace, [
      { apiGroups: ['operator.example.org'], resources: ['tables'], verbs: ['get', 'list'] },
    ]);
    const config = JSON.parse(cluster.kubeConfig.exportConfig());
    for (const { user } of config.users) user.as = 'reader';
    const path = join(folder.path, 'reader');
    await writeFile(path, JSON.stringify(config));
    const { code, stderr } = await kplug(['pause', `${kind}/users`, '-n', namespace, '--kubeconfig', path]);
    expect({ code, stderr }).toMatchObject({ code: 1, stderr: expect.stringMatching(/can't be written: .*patch/) });
    expect((await cluster.get(table))?.metadata.annotations).toBeUndefined();
  });

  it('says what to edit on a directory', async () => {
    const { code, stderr } = await kplug(['reconcile', 'table/users']);
    expect(code).toBe(2);
    expect(stderr).toMatch(
      /no cluster is given: for a cluster, add --cluster; on a directory, .* set the annotation kplug\.dev\/reconcile-at to "2.*" in the manifest/,
    );
  });
});

describe('kplug pause and kplug resume', () => {
  it('stop and resume the reconciliation, which kplug get shows', async () => {
    const { namespace, operator, plugin, onCluster } = await start();
    const paused = await onCluster('pause', `${kind}/users`);
    expect(paused).toMatchObject({ code: 0, stdout: `Table ${namespace}/users: paused\n` });
    await operator.expectCondition('users', 'Paused', { status: 'True' });
    expect((await onCluster('get', kind)).stdout).toMatch(/^users \(paused\) +True +Keeper/m);

    const held = await onCluster('reconcile', `${kind}/users`, '--wait');
    expect(held).toMatchObject({
      code: 1,
      stderr: expect.stringContaining(`is reconciled once it is resumed: kplug resume Table/users -n ${namespace}`),
    });
    const calls = plugin.calls;
    expect(await onCluster('resume', `${kind}/users`)).toMatchObject({ code: 0 });
    expect((await onCluster('reconcile', `${kind}/users`, '--wait')).code).toBe(0);
    expect(plugin.calls).toBeGreaterThan(calls);
    expect((await onCluster('get', kind)).stdout).toMatch(/^users +True/m);
  });
});
