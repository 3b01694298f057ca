import { mkdtempDisposable, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Controller } from '@kplug/controller';
import { MemoryResources } from '@kplug/controller/memory';
import { definePlugin, type RunningPlugin } from '@kplug/sdk';
import { startTimeout, TestCluster, TestKubelet } from '@kplug/testing/control-plane';
import { kplug, startKplug } from '@kplug/testing/kplug';
import { pino } from 'pino';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';

const waiting = { timeout: 20_000, interval: 20 };

let cluster: TestCluster;
let namespace: string;
let controller: Controller;
let kubelet: TestKubelet;
let folder: Awaited<ReturnType<typeof mkdtempDisposable>>;
const plugins: RunningPlugin[] = [];

beforeAll(async () => {
  cluster = await TestCluster.connect();
  namespace = await cluster.namespace();
  controller = new Controller({
    resources: new MemoryResources(),
    delegations: [{ name: 'tables', base: { apiVersion: 'a.org/v1', kind: 'Table' }, api: 'Table@^1.0.0' }],
    heartbeatAddress: '127.0.0.1:0',
    adminAddress: '127.0.0.1:0',
    logger: pino({ level: 'silent' }),
  });
  await controller.start();
  const admin = Number(controller.adminAddress.split(':').at(-1));
  kubelet = await TestKubelet.start(cluster, (port) => (port === 8082 ? admin : undefined));
  await kubelet.addPod(namespace, 'kplug-0', {
    'app.kubernetes.io/part-of': 'kplug',
    'app.kubernetes.io/component': 'operator',
    'kplug.dev/role': 'leader',
  });
  const containers = ['plugin', 'proxy'];
  for (const name of ['postgresql-0', 'postgresql-1'])
    await kubelet.addPod(namespace, name, {}, { podIP: '127.0.0.1', containers });
  await kubelet.addPod(namespace, 'secrets-0', {}, { podIP: '10.255.0.1', containers });
  for (const pod of ['postgresql-0', 'postgresql-1', 'secrets-0']) {
    for (const container of containers) {
      kubelet.log(namespace, pod, container, `${pod} ${container} starts`);
      kubelet.log(namespace, pod, container, `${pod} ${container} is ready\u001b[2J`);
    }
  }
  for (const [name, pod] of [
    ['PostgreSQL', 'postgresql-0'],
    ['PostgreSQL', 'postgresql-1'],
    ['Single', 'postgresql-1'],
    ['Liar', 'secrets-0'],
  ] as const) {
    const plugin = definePlugin({ name, version: '1.0.0', api: 'Table@1.0.0', reconcile: () => ({}) });
    const options = { controller: controller.heartbeatAddress, logLevel: 'silent', handleSignals: false } as const;
    plugins.push(await plugin.serve({ ...options, pod: { namespace, name: pod } }));
  }
  await vi.waitFor(() => expect(controller.registry.size).toBe(4), waiting);
  folder = await mkdtempDisposable(join(tmpdir(), 'kplug-logs-'));
  await writeFile(join(folder.path, 'kubeconfig'), cluster.kubeConfig.exportConfig());
}, startTimeout);

afterAll(async () => {
  for (const plugin of plugins) await plugin.stop();
  await controller?.stop();
  await kubelet?.[Symbol.asyncDispose]();
  await cluster?.close();
  await folder?.remove();
});

const argsOf = (...args: string[]) => [
  'logs',
  ...args,
  ...['--kubeconfig', join(folder.path, 'kubeconfig'), '--operator-namespace', namespace],
];

it('prints the logs of the pods of a plugin, with prefixes', async () => {
  const { code, stdout, stderr } = await kplug(argsOf('PostgreSQL'));
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(stdout.trimEnd().split('\n')).toEqual([
    '[postgresql-0/plugin] postgresql-0 plugin starts',
    '[postgresql-0/plugin] postgresql-0 plugin is ready\\u001b[2J',
    '[postgresql-1/plugin] postgresql-1 plugin starts',
    '[postgresql-1/plugin] postgresql-1 plugin is ready\\u001b[2J',
  ]);
});

it('prints the log of another container, its last lines, and their times', async () => {
  const { stdout } = await kplug(argsOf('single', '-c', 'proxy', '--tail', '1', '--timestamps'));
  expect(stdout).toBe('2026-01-01T00:00:00.000000000Z postgresql-1 proxy is ready\\u001b[2J\n');
  const { code, stderr } = await kplug(argsOf('single', '-c', 'other'));
  expect(code).toBe(3);
  expect(stderr).toContain(`the pod ${namespace}/postgresql-1 has no container other; it has plugin, proxy`);
});

it('follows the logs of several pods until it is interrupted', async () => {
  await using follow = startKplug(argsOf('PostgreSQL', '-f', '--tail', '1'));
  await vi.waitFor(() => expect(follow.stdout.match(/is ready/g)).toHaveLength(2), waiting);
  kubelet.log(namespace, 'postgresql-1', 'plugin', '{"level":50,"msg":"lost"}');
  const line = '[postgresql-1/plugin] {"level":50,"msg":"lost"}\n';
  await vi.waitFor(() => expect(follow.stdout).toContain(line), waiting);
  follow.kill('SIGINT');
  expect(await follow.ended()).toMatchObject({ code: 0, stderr: '' });
});

// Otherwise a plugin shows who looks at it the log of any other pod as its own.
it('does not print the log of a pod that a plugin only claims to run in', async () => {
  const { code, stdout, stderr } = await kplug(argsOf('Liar'));
  expect({ code, stdout }).toEqual({ code: 3, stdout: '' });
  expect(stderr).toMatch(/no pod of the cluster at \S+ has the address of Liar, 127\.0\.0\.1:\d+; it runs outside/);
});
