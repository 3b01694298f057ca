import { mkdtempDisposable, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { definePlugin } from '@kplug/sdk';
import { definition, startTimeout, TestCluster } from '@kplug/testing/control-plane';
import { startKplug } from '@kplug/testing/kplug';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';

const kind = { apiVersion: 'leading.example.org/v1', kind: 'Table' };
const waitOptions = { timeout: 20_000, interval: 20 };

let cluster: TestCluster;
let namespace: string;
let folder: Awaited<ReturnType<typeof mkdtempDisposable>>;

beforeAll(async () => {
  cluster = await TestCluster.connect();
  await cluster.define(definition({ group: 'leading.example.org', kind: 'Table' }));
  namespace = await cluster.namespace();
  folder = await mkdtempDisposable(join(tmpdir(), 'kplug-cli-'));
  await writeFile(join(folder.path, 'kubeconfig'), cluster.kubeConfig.exportConfig());
  const delegations = [{ name: 'tables', base: kind, api: 'Table@^1.0.0' }];
  await writeFile(join(folder.path, 'kplug.yaml'), JSON.stringify({ delegations }));
}, startTimeout);

afterAll(async () => {
  await cluster?.close();
  await folder?.remove();
});

/** One of several operators, and a plugin that sends heartbeats only to it. */
async function startOperator(plugin: string) {
  const operator = startKplug([
    ...['operator', '--config', join(folder.path, 'kplug.yaml'), '--kubeconfig', join(folder.path, 'kubeconfig')],
    ...['-n', namespace, '--leader-elect', '--leader-election-namespace', namespace, '--log-format', 'json'],
    ...['--leader-election-lease-duration', '6s', '--leader-election-renew-deadline', '5s'],
    ...['--leader-election-retry-period', '200ms'],
    ...['--grpc-bind-address', '127.0.0.1:0', '--admin-bind-address', '127.0.0.1:0'],
    // Both run on one machine.
    ...['--metrics-addr', '0', '--health-probe-bind-address', '0'],
  ]);
  onTestFinished(() => operator[Symbol.asyncDispose]());
  const logged = (field: string) => {
    const lines = operator.stderr.split('\n').filter((line) => line.startsWith('{'));
    return lines.map((line) => JSON.parse(line)[field]).find((value) => value !== undefined) as string | undefined;
  };
  const serve = async () => {
    const controller = await vi.waitFor(() => logged('heartbeats') ?? expect.fail('it does not lead yet'), waitOptions);
    const table = { name: plugin, version: '1.0.0', api: 'Table@1.0.0' };
    const running = await definePlugin({ ...table, reconcile: () => ({ status: { by: plugin } }) }).serve({
      controller,
      handleSignals: false,
      logLevel: 'silent',
    });
    onTestFinished(() => running.stop());
  };
  return { operator, serve, logged };
}

const users = () => ({ ...kind, metadata: { name: 'users', namespace } });

/** Edits the resource, and waits until a plugin has reconciled it and the results have been written. */
async function edit(columns: number, by: string) {
  const { metadata } = await cluster.apply({ ...users(), spec: { columns } });
  return vi.waitFor(async () => {
    const table = await cluster.get(users());
    expect(table?.status).toMatchObject({ observedGeneration: metadata.generation, implementation: by, by });
    return table;
  }, waitOptions);
}

describe('of two operators', () => {
  it('a former leader that was suspended writes nothing when it resumes', async () => {
    const first = await startOperator('First');
    await first.serve();
    await edit(1, 'First');

    const second = await startOperator('Second');
    await vi.waitFor(() => expect(second.logged('leader')).toBeDefined(), waitOptions);
    first.operator.kill('SIGSTOP');
    await second.serve();
    await edit(2, 'Second');
    // The status that the first operator must not overwrite.
    const settled = await edit(3, 'Second');

    first.operator.kill('SIGCONT');
    const { code, stderr } = await first.operator.ended();
    expect(code).toBe(1);
    expect(stderr).toContain('This controller no longer leads');
    expect((await cluster.get(users()))?.metadata.resourceVersion).toBe(settled?.metadata.resourceVersion);
    await edit(4, 'Second');
  });

  it('the standby takes over immediately when the leader is stopped, and the leader exits with 0', async () => {
    const first = await startOperator('Third');
    await first.serve();
    const second = await startOperator('Fourth');
    await vi.waitFor(() => expect(second.logged('leader')).toBeDefined(), waitOptions);
    first.operator.kill('SIGTERM');
    await expect(first.operator.ended()).resolves.toMatchObject({ code: 0 });
    await second.serve();
    await edit(5, 'Fourth');

    // A standby operator can be stopped, too.
    const third = await startOperator('Fifth');
    await vi.waitFor(() => expect(third.logged('leader')).toBeDefined(), waitOptions);
    third.operator.kill('SIGTERM');
    await expect(third.operator.ended()).resolves.toMatchObject({ code: 0 });
  });
});
